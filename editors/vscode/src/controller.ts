import { isAbsolute } from 'node:path';
import * as vscode from 'vscode';
import type { Diffs } from './diffs';
import type { Permissions } from './permissions';
import { message, type Server } from './server';
import type { Attachment, Event, Facts, FromView } from './shared/protocol';
import type { Status } from './status';
import type { Tasks } from './tasks';
import type { View } from './view';

/** How many files a mention offers. */
const MENTIONS = 20;
/** Changes come in bursts: the files are asked for when a burst is over. */
const CHANGES_MS = 200;

/** What the user does, in the view and by commands, and what the view is told. */
export class Controller {
  private attachments: Attachment[] = [];
  private asking: NodeJS.Timeout | undefined;
  facts: Facts = {
    ready: false,
    modes: [],
    mode: 'code',
    profiles: [],
    profile: '',
    model: '',
    endpoint: '',
  };

  constructor(
    private readonly server: Server,
    private readonly tasks: Tasks,
    private readonly permissions: Permissions,
    private readonly diffs: Diffs,
    private readonly status: Status,
    private readonly view: View,
  ) {}

  // --- the view -----------------------------------------------------------------------------------

  /** Something the page says. */
  async take(said: FromView): Promise<void> {
    switch (said.type) {
      case 'ready':
        this.tellAll();
        return;
      case 'send':
        await this.send(said.text, said.mode, said.profile);
        return;
      case 'cancel':
        await this.cancel();
        return;
      case 'respond':
        this.permissions.decide(said.requestId, said.decision, said.feedback);
        return;
      case 'answer':
        await this.tried(() =>
          this.server.execute('roo.question.answer', { requestId: said.requestId, answer: said.text }),
        );
        return;
      case 'diff':
        await this.diffs.show(said.path, said.oldText, said.newText);
        return;
      case 'open':
        await openFile(said.path, said.line);
        return;
      case 'link':
        await openLink(said.href);
        return;
      case 'mode':
        if (this.tasks.current) {
          const { taskId } = this.tasks.current;
          await this.tried(() => this.server.execute('roo.mode.set', { taskId, mode: said.mode }));
        }
        return;
      case 'profile':
        if (this.tasks.current) {
          const { taskId } = this.tasks.current;
          await this.tried(() => this.server.execute('roo.profile.set', { taskId, profile: said.profile }));
        }
        return;
      case 'detach':
        this.attachments.splice(said.index, 1);
        this.tellAttachments();
        return;
      case 'files':
        this.view.post({ type: 'files', query: said.query, files: await files(said.query) });
        return;
      default:
        await vscode.commands.executeCommand(`rooLsp.${said.type}`);
    }
  }

  tellAll(): void {
    this.view.post({ type: 'facts', facts: this.facts });
    this.tellAttachments();
    this.tasks.again();
    this.tellPermissions();
  }

  tellTask(): void {
    const current = this.tasks.current;
    this.view.post({ type: 'task', taskId: current?.taskId ?? null, title: current?.title ?? '' });
    this.view.post({ type: 'changes', changes: [] });
    this.changesSoon();
  }

  tellPermissions(): void {
    const { pending } = this.permissions;
    this.view.post({ type: 'permissions', permissions: pending });
    this.view.badge(pending.length);
    void vscode.commands.executeCommand('setContext', 'rooLsp.pending', pending.length > 0);
  }

  /** What the server is set up for, after it started and after the settings changed. */
  async tellFacts(): Promise<void> {
    const { ready, problem } = this.server;
    this.facts = { ...this.facts, ready };
    delete this.facts.problem;
    if (problem) this.facts.problem = problem;
    if (ready) {
      try {
        const [modes, profiles, status] = await Promise.all([
          this.server.execute<Pick<Facts, 'modes' | 'mode'>>('roo.mode.list'),
          this.server.execute<Pick<Facts, 'profiles' | 'profile'>>('roo.profile.list'),
          this.server.execute<{ model: string; provider: { baseUrl: string } }>('roo.status'),
        ]);
        const { model, provider } = status;
        const { profile } = profiles;
        this.facts = {
          ...this.facts,
          ...modes,
          profiles: profiles.profiles,
          profile,
          model,
          endpoint: provider.baseUrl,
        };
      } catch {
        // It has just ended; its next state tells again.
      }
    }
    this.status.use(this.facts.model);
    this.view.post({ type: 'facts', facts: this.facts });
    void vscode.commands.executeCommand('setContext', 'rooLsp.ready', ready);
  }

  /** After an event that changes files: what is left to review, once the burst is over. */
  changed(event: Event): void {
    if (event.update.sessionUpdate === '_changes' && event.taskId === this.tasks.current?.taskId)
      this.changesSoon();
  }

  private changesSoon(): void {
    clearTimeout(this.asking);
    this.asking = setTimeout(() => void this.tellChanges(), CHANGES_MS);
  }

  private async tellChanges(): Promise<void> {
    const current = this.tasks.current;
    if (!current) return;
    try {
      const changes = await this.diffs.changed(current.taskId);
      if (this.tasks.current?.taskId === current.taskId) this.view.post({ type: 'changes', changes });
    } catch {
      // The task was deleted meanwhile.
    }
  }

  // --- words --------------------------------------------------------------------------------------

  /** Send what was written: to the task that is shown, else as a new one. */
  async send(text: string, mode?: string, profile?: string): Promise<void> {
    const context = this.attachments.map(({ uri, range }) => ({ uri, range }));
    try {
      const current = this.tasks.current;
      if (!current) {
        await this.tasks.start({
          prompt: text,
          context,
          ...(mode ? { mode } : {}),
          ...(profile ? { profile } : {}),
        });
      } else {
        const files = this.attachments.map((each) => `@${each.label}`).join(' ');
        await this.server.execute('roo.task.send', {
          taskId: current.taskId,
          text: files ? `${text}\n\n${files}` : text,
        });
      }
      this.attachments = [];
      this.tellAttachments();
    } catch (error) {
      this.view.post({ type: 'failed', text, message: message(error) });
      if (!this.view.visible) void vscode.window.showErrorMessage(`Roo: ${message(error)}`);
    }
  }

  /** Start a task about a place in a document. */
  async about(prompt: string, editor: vscode.TextEditor, mode?: string): Promise<void> {
    const { document, selection } = editor;
    const context = [{ uri: document.uri.toString(), ...(selection.isEmpty ? {} : { range: selection }) }];
    await this.tried(() => this.tasks.start({ prompt, context, ...(mode ? { mode } : {}) }));
    await vscode.commands.executeCommand('rooLsp.view.focus');
  }

  async cancel(): Promise<void> {
    const taskId = this.tasks.current?.taskId;
    await this.tried(() => this.server.execute('roo.task.cancel', taskId ? { taskId } : {}));
  }

  /** Let a file or a selection go with the next message. */
  attach(uri: vscode.Uri, range?: vscode.Range): void {
    const name = vscode.workspace.asRelativePath(uri, false);
    const lines = range && !range.isEmpty ? range : undefined;
    const label = lines ? `${name}:${lines.start.line + 1}-${lines.end.line + 1}` : name;
    if (!this.attachments.some((each) => each.label === label)) {
      this.attachments.push({ uri: uri.toString(), label, ...(lines ? { range: lines } : {}) });
    }
    this.tellAttachments();
  }

  /** Do what may be refused, and say so. */
  async tried<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      void vscode.window.showErrorMessage(`Roo: ${message(error)}`);
      return undefined;
    }
  }

  private tellAttachments(): void {
    this.view.post({ type: 'attachments', attachments: this.attachments });
  }
}

async function openFile(path: string, line?: number): Promise<void> {
  const uri = path.startsWith('file:') ? vscode.Uri.parse(path) : inWorkspace(path);
  const at = new vscode.Position(Math.max(0, (line ?? 1) - 1), 0);
  try {
    await vscode.window.showTextDocument(uri, {
      preview: true,
      ...(line ? { selection: new vscode.Range(at, at) } : {}),
    });
  } catch {
    void vscode.window.showInformationMessage(`Roo: ${path} is not there.`);
  }
}

function inWorkspace(path: string): vscode.Uri {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  return isAbsolute(path) || !folder ? vscode.Uri.file(path) : vscode.Uri.joinPath(folder, path);
}

/** Only addresses of the web; VS Code asks before it leaves for a domain that is not trusted. */
async function openLink(href: string): Promise<void> {
  if (/^https?:\/\//i.test(href)) await vscode.env.openExternal(vscode.Uri.parse(href, true));
}

async function files(query: string): Promise<string[]> {
  const letters = [...query].map((letter) => (/[\w./-]/.test(letter) ? letter : '?')).join('');
  const found = await vscode.workspace.findFiles(`**/*${letters}*{,/**}`, undefined, 300);
  const names = found.map((uri) => vscode.workspace.asRelativePath(uri, false));
  return names.sort((a, b) => a.length - b.length || a.localeCompare(b)).slice(0, MENTIONS);
}

import * as vscode from 'vscode';
import { type PutBack, told } from './putback';
import type { Server } from './server';
import type { Attachment } from './shared/protocol';
import type { Tasks } from './tasks';
import type { View } from './view';

const DRAFT = 'rooLsp.draft';
const TASK = 'rooLsp.task';

/** What the user writes, and what goes with it: kept, with the task it is for, when the window is loaded anew. */
export class Words {
  private attachments: Attachment[] = [];
  private restored = false;

  constructor(
    private readonly server: Server,
    private readonly tasks: Tasks,
    private readonly view: View,
    private readonly memory: vscode.Memento,
  ) {}

  /** Keep what is being written. */
  keep(text: string): void {
    void this.memory.update(DRAFT, text || undefined);
  }

  /** Keep which task is shown. */
  keepTask(): void {
    if (this.restored) void this.memory.update(TASK, this.tasks.current?.taskId);
  }

  /** Show the task that was shown before the window was loaded anew, once there is a server. */
  async restore(): Promise<void> {
    if (this.restored || !this.server.ready) return;
    this.restored = true;
    const taskId = this.memory.get<string>(TASK);
    if (!taskId || this.tasks.current) return;
    try {
      const found = (await this.tasks.list()).find((each) => each.taskId === taskId);
      if (found && !this.tasks.current) this.tasks.show(taskId, found.title);
    } catch {
      // It has just ended.
    }
  }

  /** Tell a page that has come. */
  tell(): void {
    this.view.post({ type: 'attachments', attachments: this.attachments });
    this.view.post({ type: 'draft', text: this.memory.get<string>(DRAFT, '') });
  }

  /**
   * Send the words: to the task that is shown, else as a new one.
   *
   * @throws Refused, and nothing of it is lost.
   */
  async send(text: string, mode?: string, profile?: string, place: { instead?: number } = {}): Promise<void> {
    const { attachments } = this;
    const pointed = attachments.filter((each) => !each.image).map(({ uri, range }) => ({ uri, range }));
    const context = [...pointed, ...focus()];
    const images = attachments.filter((each) => each.image).map(({ uri }) => uri);
    const more = { context, ...(images.length > 0 ? { images } : {}) };
    const current = this.tasks.current;
    if (current) {
      const argument = { taskId: current.taskId, text, ...more, ...place };
      type Sent = Partial<PutBack> & { taskId: string | null };
      const sent = await this.server.execute<Sent>('roo.task.send', argument);
      if (sent.restored) told(sent as PutBack);
      // `/new`: another task, or the next message begins one.
      if (sent.taskId === null) this.tasks.leave();
      else if (sent.taskId !== current.taskId) this.tasks.show(sent.taskId, '');
    } else
      await this.tasks.start({
        prompt: text,
        ...(mode ? { mode } : {}),
        ...(profile ? { profile } : {}),
        ...more,
      });
    this.attachments = this.attachments.filter((each) => !attachments.includes(each));
    this.tellAttachments();
  }

  /** Let a file or a selection go with the next message. */
  attach(uri: vscode.Uri, range?: vscode.Range): void {
    const name = vscode.workspace.asRelativePath(uri);
    const lines = range && !range.isEmpty ? range : undefined;
    const label = lines ? `${name}:${lines.start.line + 1}-${lines.end.line + 1}` : name;
    const image = /\.(png|jpe?g|gif|webp)$/i.test(uri.path);
    this.add({ uri: uri.toString(), label, ...(image ? { image } : {}), ...(lines ? { range: lines } : {}) });
  }

  /** Let an image go with it that is in no file, as a `data:` URI. */
  attachImage(name: string, uri: string): void {
    const count = this.attachments.filter((each) => each.uri.startsWith('data:')).length;
    this.add({ uri, label: name && name !== 'image.png' ? name : `Image ${count + 1}`, image: true });
  }

  detach(index: number): void {
    this.attachments = this.attachments.filter((_, at) => at !== index);
    this.tellAttachments();
  }

  private add(attachment: Attachment): void {
    if (this.attachments.some((each) => each.label === attachment.label)) return;
    this.attachments = [...this.attachments, attachment];
    this.tellAttachments();
  }

  private tellAttachments(): void {
    this.view.post({ type: 'attachments', attachments: this.attachments });
  }
}

/** Where the user is, which the model is told as what the editor shows, not as what they point at. */
export function focus(): object[] {
  const editor = vscode.window.activeTextEditor;
  if (!editor) return [];
  const { start, end } = editor.selection;
  return [{ uri: editor.document.uri.toString(), range: { start, end }, focus: true }];
}

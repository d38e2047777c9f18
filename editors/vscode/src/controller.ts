import * as vscode from 'vscode';
import type { Diffs } from './diffs';
import type { Knowledge } from './facts';
import { Offers } from './offers';
import type { Permissions } from './permissions';
import { openFile, openLink, useCode } from './places';
import type { Review } from './review';
import { message, type Server } from './server';
import type { Event, FromView, Permission } from './shared/protocol';
import type { Tasks } from './tasks';
import type { View } from './view';
import type { Words } from './words';

/** Changes come in bursts: the files are asked for when a burst is over. */
const CHANGES_MS = 200;
const PROMPTS = 100;

/** What the user does in the view, and what the view is told. */
export class Controller {
  private asking: NodeJS.Timeout | undefined;
  private readonly offers: Offers;

  constructor(
    private readonly server: Server,
    private readonly tasks: Tasks,
    private readonly permissions: Permissions,
    private readonly diffs: Diffs,
    private readonly knowledge: Knowledge,
    private readonly words: Words,
    private readonly view: View,
    private readonly review: Review,
  ) {
    this.offers = new Offers(server);
  }

  /** Something the page says. */
  async take(said: FromView): Promise<void> {
    const taskId = this.tasks.current?.taskId;
    const run = (command: string, argument: object) =>
      this.tried(() => this.server.execute(command, argument));
    switch (said.type) {
      case 'ready':
        this.tellAll();
        return;
      case 'send':
        return this.send(said.text, said.mode, said.profile, said.instead);
      case 'draft':
        return this.words.keep(said.text);
      case 'cancel':
        return this.cancel();
      case 'respond':
        if (!this.permissions.decide(said.requestId, said.decision, said.feedback)) this.tellPermissions();
        return;
      case 'answer':
        await run('roo.question.answer', { requestId: said.requestId, answer: said.text });
        return;
      case 'diff':
        return this.diffs.show(said.path, said.oldText, said.newText);
      case 'open':
        return openFile(said.path, said.line);
      case 'link':
        return openLink(said.href);
      case 'code':
        return useCode(said.what, said.text);
      case 'mode':
        if (taskId) await run('roo.mode.set', { taskId, mode: said.mode });
        return;
      case 'profile':
        if (taskId) await run('roo.profile.set', { taskId, profile: said.profile });
        return;
      case 'detach':
        return this.words.detach(said.index);
      case 'attachImage':
        return this.words.attachImage(said.name, said.uri);
      case 'attachFiles':
        for (const uri of said.uris) this.words.attach(vscode.Uri.parse(uri));
        return;
      case 'offers':
        return this.offer(said.query);
      case 'prompts':
        return this.tellPrompts();
      case 'enhance':
        return this.enhance(said.text);
      case 'show':
        if (said.taskId) this.tasks.show(said.taskId, '');
        return;
      case 'auto':
        return this.auto(said.kind, said.on);
      case 'unqueue':
        await run('roo.queue.remove', { taskId, messageId: said.messageId });
        return;
      case 'requeue':
        await run('roo.queue.edit', { taskId, messageId: said.messageId, text: said.text });
        return;
      case 'checkpoint':
        await vscode.commands.executeCommand('rooLsp.checkpoint', said.what, said.checkpointId, said.label);
        return;
      default:
        await vscode.commands.executeCommand(`rooLsp.${said.type}`);
    }
  }

  // --- what the view is told ----------------------------------------------------------------------

  tellAll(): void {
    this.tellFacts();
    this.words.tell();
    this.tasks.again();
    this.tellPermissions();
  }

  tellFacts(): void {
    this.view.post({ type: 'facts', facts: this.knowledge.facts });
    void vscode.commands.executeCommand('setContext', 'rooLsp.ready', this.knowledge.facts.ready);
    for (const command of ['roo.task.condense'])
      void vscode.commands.executeCommand('setContext', `rooLsp.has.${command}`, this.server.has(command));
  }

  tellTask(): void {
    const current = this.tasks.current;
    this.view.post({ type: 'task', taskId: current?.taskId ?? null, title: current?.title ?? '' });
    this.view.post({ type: 'changes', changes: [] });
    this.tellPermissions();
    this.changesSoon();
  }

  tellPermissions(): void {
    const pending = this.permissions.pending.map((each): Permission => {
      const elsewhere = each.taskId !== null && each.taskId !== this.tasks.current?.taskId;
      return elsewhere ? { ...each, task: this.tasks.titleOf(each.taskId ?? '') ?? 'Another task' } : each;
    });
    this.view.post({ type: 'permissions', permissions: pending });
    this.view.badge(this.permissions.count);
    void vscode.commands.executeCommand('setContext', 'rooLsp.pending', pending.length > 0);
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
    try {
      await this.review.update(current?.taskId);
      if (!current) return;
      const changes = await this.diffs.changed(current.taskId);
      if (this.tasks.current?.taskId === current.taskId) this.view.post({ type: 'changes', changes });
    } catch {
      // The task was deleted meanwhile.
    }
  }

  private async tellPrompts(): Promise<void> {
    if (!this.server.has('roo.prompt.history')) return;
    try {
      const found = await this.server.execute<
        (string | { text: string })[] | { prompts: (string | { text: string })[] }
      >('roo.prompt.history', {
        limit: PROMPTS,
      });
      const all = Array.isArray(found) ? found : found.prompts;
      this.view.post({
        type: 'history',
        prompts: all.map((each) => (typeof each === 'string' ? each : each.text)),
      });
    } catch {
      // Without a server there is no history.
    }
  }

  private async offer(query: string): Promise<void> {
    const offers = await this.tried(() => this.offers.of(query, this.knowledge.facts.mode));
    this.view.post({ type: 'offers', query, offers: offers ?? [] });
  }

  // --- what the user does -------------------------------------------------------------------------

  /** Send what was written; what cannot be sent comes back. */
  async send(text: string, mode?: string, profile?: string, instead?: number): Promise<void> {
    const place = instead === undefined ? {} : { instead };
    try {
      await this.words.send(text, mode, profile, place);
    } catch (error) {
      this.words.keep(text);
      this.view.post({ type: 'failed', text, message: message(error), ...place });
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

  private async enhance(text: string): Promise<void> {
    const taskId = this.tasks.current?.taskId;
    const options = { location: { viewId: 'rooLsp.view' } };
    const better = await this.tried(() =>
      vscode.window.withProgress(options, () =>
        this.server.execute<{ text: string }>('roo.prompt.enhance', { text, ...(taskId ? { taskId } : {}) }),
      ),
    );
    if (better) this.view.post({ type: 'draft', text: better.text });
  }

  private async auto(kind: string, on: boolean): Promise<void> {
    const now = await this.tried(() =>
      this.server.execute<{ autoApprove: Record<string, boolean> }>('roo.approval.auto', { kind, on }),
    );
    if (now) this.knowledge.approved(now.autoApprove);
    else this.tellFacts();
  }

  /** Do what may be refused, and say so. */
  async tried<T>(work: () => PromiseLike<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (this.view.visible) this.view.post({ type: 'failed', text: '', message: message(error) });
      else void vscode.window.showErrorMessage(`Roo: ${message(error)}`);
      return undefined;
    }
  }
}

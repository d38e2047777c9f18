import * as vscode from 'vscode';
import type { Server } from './server';
import type { Event, TaskState } from './shared/protocol';
import { type Replay, Sequence } from './shared/sequence';

/** A task as `roo.task.list` gives it; times are seconds since 1970. */
export interface Summary {
  taskId: string;
  title: string;
  state: TaskState;
  mode: string;
  updatedAt: number;
  cost: number;
}

const PAGE = 2000;

/** The tasks of this window: the state of each, and the whole story of the one that is shown. */
export class Tasks implements vscode.Disposable {
  private readonly states = new Map<string, TaskState>();
  private sequence: Sequence | undefined;
  private title = '';
  /** The state that the story of the task that is shown ends with. */
  private story: TaskState = 'idle';
  private readonly titles = new Map<string, string>();
  /** Started by this window and not heard of yet: the first event of any other task does not take its place. */
  private starting = false;

  private readonly shown = new vscode.EventEmitter<void>();
  /** Another task is shown, or none: the story begins anew. */
  readonly onDidShow = this.shown.event;
  private readonly told = new vscode.EventEmitter<Event[]>();
  /** More of the task that is shown, in order and without gaps. */
  readonly onDidTell = this.told.event;
  private readonly stirred = new vscode.EventEmitter<Event>();
  /** Every event of every task, as it came. */
  readonly onEvent = this.stirred.event;
  private readonly broken = new vscode.EventEmitter<void>();
  /** The story of the task that is shown ends in the middle of a turn that nobody runs any more. */
  readonly onDidBreak = this.broken.event;
  private readonly moved = new vscode.EventEmitter<void>();
  /** The state of a task is another one. */
  readonly onDidChangeState = this.moved.event;

  constructor(private readonly server: Server) {}

  get current(): { taskId: string; title: string } | undefined {
    return this.sequence && { taskId: this.sequence.taskId, title: this.title };
  }

  /** The state of the task that is shown, or of the one that needs the user most. */
  get state(): TaskState {
    const all = [...this.states.values()];
    if (all.includes('waiting')) return 'waiting';
    if (all.includes('running')) return 'running';
    return (this.sequence && this.states.get(this.sequence.taskId)) || 'idle';
  }

  titleOf(taskId: string): string | undefined {
    return this.titles.get(taskId);
  }

  /** One event of the server. */
  take(event: Event): void {
    const { taskId, update } = event;
    if (update.sessionUpdate === 'user_message_chunk' && !this.titles.has(taskId)) {
      const { content } = update;
      if (content.type === 'text') this.titles.set(taskId, firstLine(content.text));
    }
    if (!this.sequence && !this.starting && event.seq === 1) this.show(taskId, '');
    if (update.sessionUpdate === '_state' && this.states.get(taskId) !== update.state) {
      this.states.set(taskId, update.state);
      this.moved.fire();
    }
    if (this.sequence?.taskId === taskId) this.sequence.take(event);
    this.stirred.fire(event);
  }

  /** Start a task and show it; nothing starts with what is only a command for Roo itself. */
  async start(argument: {
    prompt: string;
    mode?: string;
    profile?: string;
    context?: object[];
  }): Promise<void> {
    this.starting = true;
    try {
      const { taskId } = await this.server.execute<{ taskId: string | null }>('roo.task.start', argument);
      // What begins with a command is named by what is left of it, as its first event has it.
      if (taskId !== null)
        this.show(taskId, argument.prompt.startsWith('/') ? '' : firstLine(argument.prompt));
    } finally {
      this.starting = false;
    }
  }

  /** Show a task from its beginning. */
  show(taskId: string, title: string): void {
    this.title = title || (this.titles.get(taskId) ?? '');
    this.story = 'idle';
    this.sequence = new Sequence(taskId, this.replay, (events) => {
      // A page that comes late is not for the task that is shown by now.
      if (this.sequence?.taskId !== taskId) return;
      for (const { update } of events) if (update.sessionUpdate === '_state') this.story = update.state;
      this.told.fire(events);
    });
    this.shown.fire();
    void this.look();
  }

  /** The server is there again: what was missed is asked for. */
  async back(): Promise<void> {
    this.states.clear();
    await this.look();
    this.moved.fire();
  }

  /** Tell the story of the task that is shown once more: a view has come. */
  again(): void {
    if (this.sequence) this.show(this.sequence.taskId, this.title);
    else this.shown.fire();
  }

  /** Show none: what is written next starts a task. */
  leave(): void {
    this.sequence = undefined;
    this.title = '';
    this.shown.fire();
    this.moved.fire();
  }

  /** There is no server: nothing runs. */
  reset(): void {
    this.states.clear();
    this.moved.fire();
  }

  /** The story up to its end, and whether somebody still runs what it ends with. */
  private async look(): Promise<void> {
    const { sequence } = this;
    if (!sequence) return;
    await sequence.catchUp();
    const busy = () => this.story === 'running' || this.story === 'waiting';
    if (!busy()) return;
    try {
      await this.list();
    } catch {
      return; // without a server nobody can say
    }
    const state = this.states.get(sequence.taskId) ?? 'idle';
    if (sequence !== this.sequence || !busy() || state === 'running' || state === 'waiting') return;
    this.story = 'idle';
    this.broken.fire();
  }

  async list(): Promise<Summary[]> {
    const found = await this.server.execute<Summary[]>('roo.task.list', { limit: 100 });
    for (const task of found) {
      this.states.set(task.taskId, task.state);
      this.titles.set(task.taskId, task.title);
    }
    return found;
  }

  dispose(): void {
    for (const emitter of [this.shown, this.told, this.stirred, this.broken, this.moved]) emitter.dispose();
  }

  private readonly replay: Replay = (taskId, sinceSeq) =>
    this.server.execute('roo.task.replay', { taskId, sinceSeq, limit: PAGE });
}

export const firstLine = (text: string) => text.trim().split('\n', 1)[0] ?? '';

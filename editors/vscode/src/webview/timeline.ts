import type { Palette, Permission, Update } from '../shared/protocol';
import { approvalCard, type Decisions, elsewhere } from './approval';
import { Call, type Actions as CallActions } from './call';
import { button, h, icon, iconButton } from './dom';
import { type Actions as ErrorActions, errorCard, STOPS } from './errors';
import { GrowingMarkdown, markdown } from './markdown';

/** What the rows of the timeline can do. */
export interface Actions extends CallActions, ErrorActions {
  palette: (command: Palette) => void;
  checkpoint: (what: 'diff' | 'restore' | 'rewind', checkpointId: string, label: string) => void;
  unqueue: (messageId: string) => void;
  requeue: (messageId: string, text: string) => void;
  again: (text: string, entry: number | undefined) => void;
  has: (command: string) => boolean;
}

interface Asked {
  card: HTMLElement;
  /** The call whose row it is in. */
  callId: string | undefined;
  /** The title of another task that it waits in; undefined in the task that is shown. */
  whose: string | undefined;
}

/** The story of one task, drawn as it happens; what waits for the user is a part of it. */
export class Timeline {
  readonly element = h('div', { class: 'timeline', role: 'log', 'aria-label': 'Task' });
  /** What comes after the story: messages that wait, approvals of other tasks. */
  readonly after = h('div', { class: 'after' });
  private message: GrowingMarkdown | undefined;
  private thought: Thought | undefined;
  private plan: HTMLElement | undefined;
  private retry: HTMLElement | undefined;
  private readonly calls = new Map<string, Call>();
  private readonly questions = new Map<string, { question: string; card: HTMLElement }>();
  private readonly asked = new Map<string, Asked>();
  private readonly queued = new Map<string, HTMLElement>();

  constructor(
    private readonly actions: Actions,
    private readonly decisions: Decisions,
  ) {}

  clear(): void {
    for (const call of this.calls.values()) call.dispose();
    this.element.replaceChildren();
    this.after.replaceChildren();
    this.message = this.thought = this.plan = this.retry = undefined;
    for (const each of [this.calls, this.questions, this.asked, this.queued]) each.clear();
  }

  /** Where the user has to look: the first thing in the story that waits for them. */
  get waiting(): HTMLElement | undefined {
    return this.element.querySelector<HTMLElement>('.card') ?? undefined;
  }

  /** True while a question of the model is open. */
  get asks(): boolean {
    return this.questions.size > 0;
  }

  /** The texts of messages that wait and come back to the user. */
  returned: (text: string) => void = () => {};

  /** One event, and when it was. */
  add(update: Update, ts = 0): void {
    switch (update.sessionUpdate) {
      case 'user_message_chunk':
        this.close();
        this.element.append(
          update.content.type === 'text'
            ? this.user(update.content.text, update._meta?.entry)
            : h('div', { class: 'user' }, chip('file-media', update.content.name)),
        );
        return;
      case 'agent_message_chunk':
        this.thought = this.thought?.end();
        this.retry = undefined;
        if (!this.message) {
          this.message = new GrowingMarkdown(this.actions.follow);
          this.element.append(h('div', { class: 'agent' }, this.message.element));
        }
        this.message.append(update.content.text);
        return;
      case 'agent_thought_chunk':
        this.message = this.retry = undefined;
        if (!this.thought) {
          this.thought = new Thought();
          this.element.append(this.thought.element);
        }
        this.thought.append(update.content.text);
        return;
      case 'tool_call':
      case 'tool_call_update':
      case '_tool_call_arguments':
        this.call(update.toolCallId).update(update, ts);
        return;
      case '_permission':
        if (update.toolCallId && !update.outcome) this.calls.get(update.toolCallId)?.waits(update.requestId);
        else for (const call of this.calls.values()) call.settled(update.requestId, update.outcome);
        return;
      case '_question':
        if (update.question !== undefined)
          this.question(update.requestId, update.question, update.suggestions ?? []);
        else this.answered(update.requestId, update.answer ?? null);
        return;
      case 'plan':
        this.planned(update.entries);
        return;
      case '_retry':
        this.retried(update);
        return;
      case '_condensed':
        this.note(
          'fold',
          `${update.kind === 'summary' ? 'Condensed the conversation' : 'Left out the oldest messages'}: ${thousands(update.before)} → ${thousands(update.after)} tokens`,
        );
        return;
      case '_checkpoint':
        this.checkpoint(update.checkpointId, update.label);
        return;
      case '_rewound':
        this.rewound(update.entry);
        return;
      case '_queued':
        this.queue(update.messageId, update.text, update.state);
        return;
      case '_subtask':
        this.subtask(update.taskId, update.title, update.state);
        return;
      case 'current_mode_update':
        // The first one is what the task began with: it is no news.
        if (this.element.childNodes.length > 0) this.note('arrow-swap', `Mode: ${update.currentModeId}`);
        return;
      case '_state':
        this.state(update);
        return;
      default:
        return;
    }
  }

  /** Draw the approvals that wait; those that stay keep what was typed into them. */
  permissions(pending: Permission[], taskId: string | null, settled: boolean): void {
    const wanted = new Set(pending.map((each) => each.requestId));
    for (const [id, { card }] of this.asked) if (!wanted.has(id)) this.forget(id, card);
    for (const each of pending) {
      const callId = each.toolCall?.toolCallId ?? undefined;
      const call = callId === undefined ? undefined : this.calls.get(callId);
      let drawn = this.asked.get(each.requestId);
      const whose = each.taskId !== null && each.taskId !== taskId ? (each.task ?? '') : undefined;
      if (drawn && drawn.whose !== whose) {
        // Drawn for another task, or before that one had a title.
        this.forget(each.requestId, drawn.card);
        drawn = undefined;
      }
      if (whose !== undefined) {
        if (!drawn) this.put(each.requestId, elsewhere(each, this.decisions), this.after, whose);
      } else if (call && drawn?.callId === undefined) {
        drawn?.card.remove();
        this.asked.set(each.requestId, { card: call.ask(each, this.decisions), callId, whose });
      } else if (!drawn && settled) {
        this.put(each.requestId, approvalCard(each, this.decisions), this.element);
      }
    }
  }

  /** A note among the rows, with what can be done about it. */
  note(name: string, text: string, kind = '', ...more: HTMLElement[]): HTMLElement {
    this.close();
    const element = h('div', { class: `note ${kind}` }, icon(name), h('span', {}, text), ...more);
    this.element.append(element);
    return element;
  }

  // --- rows ---------------------------------------------------------------------------------------

  private put(id: string, card: HTMLElement, into: HTMLElement, whose?: string): void {
    into.append(card);
    this.asked.set(id, { card, callId: undefined, whose });
  }

  private forget(id: string, card: HTMLElement): void {
    for (const call of this.calls.values()) call.unask(id);
    card.remove();
    this.asked.delete(id);
  }

  private user(text: string, entry?: number): HTMLElement {
    const { words, attached } = parted(text);
    const tip = entry === undefined ? 'Write this again' : 'Change this and go on from here';
    return h(
      'div',
      { class: 'user', ...(entry === undefined ? {} : { 'data-entry': String(entry) }) },
      h('span', {}, words),
      attached.length > 0 && h('div', { class: 'chips' }, ...attached.map((each) => chip('file', each))),
      words !== '' && iconButton('edit', tip, () => this.actions.again(words, entry)),
    );
  }

  private call(id: string): Call {
    let call = this.calls.get(id);
    if (!call) {
      this.close();
      call = new Call(this.actions);
      this.calls.set(id, call);
      this.element.append(call.element);
    }
    return call;
  }

  private question(requestId: string, question: string, suggestions: string[]): void {
    if (this.questions.has(requestId)) return; // asked once more by a server that has come
    this.close();
    const card = h(
      'div',
      { class: 'card question', role: 'group', 'aria-label': 'Roo asks' },
      h('div', { class: 'card-title' }, icon('question'), h('span', {}, 'Roo asks')),
      markdown(question, this.actions.follow),
      h(
        'div',
        { class: 'buttons column' },
        ...suggestions.map((each) => button(each, 'secondary', () => this.decisions.answer(requestId, each))),
      ),
      suggestions.length > 0 && h('div', { class: 'hint' }, 'Or write your answer below.'),
    );
    this.questions.set(requestId, { question, card });
    this.element.append(card);
  }

  private answered(requestId: string, answer: string | null): void {
    const asked = this.questions.get(requestId);
    if (asked === undefined) return;
    this.questions.delete(requestId);
    asked.card.remove();
    if (answer === null) return; // it was withdrawn: nobody has to know any more
    this.close();
    this.element.append(
      h('div', { class: 'agent' }, markdown(asked.question, this.actions.follow)),
      h('div', { class: 'user' }, answer),
    );
  }

  private planned(entries: { content: string; status: string }[]): void {
    const done = entries.filter((entry) => entry.status === 'completed').length;
    const icons: Record<string, string> = {
      completed: 'pass-filled',
      in_progress: 'circle-large-filled',
      pending: 'circle-large',
    };
    const drawn = h(
      'details',
      { class: 'plan', open: true },
      h('summary', {}, icon('checklist'), ` Plan · ${done} of ${entries.length} done`),
      h(
        'ul',
        {},
        ...entries.map((entry) =>
          h(
            'li',
            { class: entry.status },
            icon(icons[entry.status] ?? 'circle-large'),
            h('span', {}, entry.content),
          ),
        ),
      ),
    );
    if (this.plan) this.plan.replaceWith(drawn);
    else {
      this.close();
      this.element.append(drawn);
    }
    this.plan = drawn;
  }

  /** Tries that follow each other are one note that counts. */
  private retried(update: Update & { sessionUpdate: '_retry' }): void {
    const { attempt, attempts, delay, reason } = update;
    const before = this.retry;
    const text = `${attempt ? `Try ${attempt} of ${attempts} failed, the next` : 'The next request'} in ${Math.round(delay)} s: ${reason}`;
    this.retry = this.note('sync', text, 'warning');
    before?.remove();
  }

  private checkpoint(id: string, label: string): void {
    this.close();
    const act = (name: string, tip: string, what: 'diff' | 'restore' | 'rewind') =>
      iconButton(name, `${tip}: ${label}`, () => this.actions.checkpoint(what, id, label));
    this.element.append(
      h(
        'div',
        { class: 'note checkpoint' },
        icon('git-commit'),
        h('span', { class: 'grow', title: label }, label),
        act('diff', 'What changed since', 'diff'),
        act('discard', 'Put the files back…', 'restore'),
        act('history', 'Put the files and the conversation back…', 'rewind'),
      ),
    );
  }

  /** What was said since is folded away: the model does not know of it any more. */
  private rewound(entry: number): void {
    const rows = [...this.element.children] as HTMLElement[];
    const from = rows.findIndex((each) => Number(each.dataset.entry ?? -1) >= entry);
    this.close();
    const undone = h('details', { class: 'undone' }, h('summary', {}, icon('history'), ' Taken back'));
    if (from >= 0) undone.append(...rows.slice(from));
    this.element.append(
      from >= 0
        ? undone
        : h('div', { class: 'note' }, icon('history'), h('span', {}, 'What was said since is taken back.')),
    );
  }

  private queue(id: string, text: string | undefined, state: string | undefined): void {
    const drawn = this.queued.get(id);
    drawn?.remove();
    this.queued.delete(id);
    const words = text ?? drawn?.dataset.text ?? '';
    if (state === 'returned') this.returned(words);
    if (state) return;
    const row = h(
      'div',
      { class: 'queued', 'data-text': words },
      icon('clock'),
      h('span', { class: 'grow', title: words }, words),
      this.actions.has('roo.queue.edit') &&
        iconButton('edit', 'Edit before Roo reads it', () => this.edit(row, id, words)),
      this.actions.has('roo.queue.remove') &&
        iconButton('close', 'Do not say it', () => this.actions.unqueue(id)),
    );
    this.queued.set(id, row);
    this.after.prepend(...this.queued.values());
  }

  private edit(row: HTMLElement, id: string, text: string): void {
    const input = h('input', {
      class: 'feedback',
      'aria-label': 'What Roo is told next',
      keydown: (event) => {
        const { key } = event as KeyboardEvent;
        if (key === 'Enter' && input.value.trim()) this.actions.requeue(id, input.value.trim());
        if (key === 'Escape') {
          event.stopPropagation();
          this.queue(id, text, undefined);
        }
      },
    });
    input.value = text;
    row.replaceChildren(input);
    input.focus();
  }

  private subtask(taskId: string, title: string, state: string): void {
    const id = `subtask-${taskId}`;
    const row = h(
      'div',
      { class: 'note', id },
      icon(
        state === 'running' ? 'loading' : state === 'waiting' ? 'bell-dot' : 'type-hierarchy-sub',
        state === 'running',
      ),
      h('span', { class: 'grow' }, `${title} · ${state}`),
      h('button', { class: 'link', click: () => this.decisions.show(taskId) }, 'Go to it'),
    );
    const before = this.element.querySelector(`[id="${CSS.escape(id)}"]`);
    if (before) before.replaceWith(row);
    else {
      this.close();
      this.element.append(row);
    }
  }

  private state(update: Update & { sessionUpdate: '_state' }): void {
    const { state, stopReason, error } = update;
    if (state === 'waiting') return;
    if (state === 'running') {
      this.plan = undefined;
      this.element.querySelectorAll('.error .buttons').forEach((each) => {
        each.remove();
      });
      return;
    }
    this.close();
    if (stopReason === 'end_turn') this.plan?.remove(); // what it came to is said by now
    for (const call of this.calls.values()) call.over();
    const stop = stopReason ? STOPS[stopReason] : undefined;
    if (error) this.element.append(errorCard(error, this.actions));
    else if (stop) this.note(stop.icon, stop.text, stop.kind, ...stop.more(this.actions));
  }

  /** What was said so far is a message of its own. */
  private close(): void {
    this.message = this.retry = undefined;
    this.thought = this.thought?.end();
  }
}

/** Reasoning, folded. */
class Thought {
  private readonly text = document.createTextNode('');
  private readonly title = h('span', {}, 'Thinking…');
  readonly element = h(
    'details',
    { class: 'thought' },
    h('summary', {}, icon('lightbulb'), this.title),
    h('div', { class: 'thought-text' }, this.text),
  );

  append(text: string): void {
    this.text.appendData(text);
  }

  end(): undefined {
    this.title.textContent = 'Thought';
    return undefined;
  }
}

const chip = (name: string, label: string) =>
  h('span', { class: 'chip' }, icon(name), h('span', { class: 'grow' }, label));

/** A person's own words, and what they attached, which the server tells the model behind them. */
function parted(text: string): { words: string; attached: string[] } {
  const [words = '', ...behind] = text.split(/\n\n(?=The user (?:points at|attaches):\n)/);
  const attached = behind.flatMap((each) =>
    [...each.matchAll(/^(?:File|Image \d+): ([^\n]*)/gm)].map((found) => found[1] ?? ''),
  );
  return { words, attached };
}

export const thousands = (count: number) =>
  count < 1000 ? String(count) : `${(count / 1000).toFixed(count < 10_000 ? 1 : 0)}k`;

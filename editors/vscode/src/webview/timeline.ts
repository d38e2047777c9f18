import type { CallUpdate, Diff, Update } from '../shared/protocol';
import { diffView } from './diff';
import { h, icon, plural } from './dom';
import { type Follow, GrowingMarkdown, markdown } from './markdown';

/** Characters of a command's output that are kept on the page. */
const MOST_OUTPUT = 200_000;

const KINDS: Record<string, string> = {
  read: 'file',
  search: 'search',
  edit: 'edit',
  execute: 'terminal',
  think: 'lightbulb',
  fetch: 'globe',
  switch_mode: 'arrow-swap',
  delete: 'trash',
  move: 'arrow-right',
  other: 'tools',
};
const STATES: Record<string, string> = {
  pending: 'circle-outline',
  in_progress: 'loading',
  completed: 'check',
  failed: 'error',
};
const STOPS: Record<string, string> = {
  max_tokens: "Stopped: the model's output limit cut the answer off.",
  max_turn_requests: 'Stopped at a limit you set.',
  refusal: 'The model refused to answer.',
  cancelled: 'Stopped.',
};

/** What a row of the timeline does when it is clicked. */
export interface Actions {
  follow: Follow;
  open: (path: string, line?: number) => void;
  diff: (toolCallId: string, diff: Diff) => void;
}

/** The story of one task, drawn as it happens. */
export class Timeline {
  readonly element = h('div', { class: 'timeline', role: 'log', 'aria-label': 'Task' });
  private message: GrowingMarkdown | undefined;
  private thought: Thought | undefined;
  private plan: HTMLElement | undefined;
  private readonly calls = new Map<string, Call>();
  private readonly questions = new Map<string, string>();

  constructor(private readonly actions: Actions) {}

  clear(): void {
    this.element.replaceChildren();
    this.message = this.thought = this.plan = undefined;
    this.calls.clear();
    this.questions.clear();
  }

  /** The changes that a call would make, once they are known. */
  diffsOf(toolCallId: string): Diff[] {
    return this.calls.get(toolCallId)?.diffs ?? [];
  }

  add(update: Update): void {
    switch (update.sessionUpdate) {
      case 'user_message_chunk':
        this.close();
        this.element.append(
          update.content.type === 'text'
            ? h('div', { class: 'user' }, update.content.text)
            : h('div', { class: 'user link' }, icon('file-media'), ` ${update.content.name}`),
        );
        return;
      case 'agent_message_chunk':
        this.thought = this.thought?.end();
        if (!this.message) {
          this.message = new GrowingMarkdown(this.actions.follow);
          this.element.append(h('div', { class: 'agent' }, this.message.element));
        }
        this.message.append(update.content.text);
        return;
      case 'agent_thought_chunk':
        this.message = undefined;
        if (!this.thought) {
          this.thought = new Thought();
          this.element.append(this.thought.element);
        }
        this.thought.append(update.content.text);
        return;
      case 'tool_call':
      case 'tool_call_update':
      case '_tool_call_arguments':
        this.call(update);
        return;
      case '_permission':
        if (update.toolCallId && !update.outcome) this.calls.get(update.toolCallId)?.waits(update.requestId);
        else for (const call of this.calls.values()) call.settled(update.requestId, update.outcome);
        return;
      case '_question':
        if (update.question !== undefined) this.questions.set(update.requestId, update.question);
        else this.answered(update.requestId, update.answer ?? null);
        return;
      case 'plan':
        this.planned(update.entries);
        return;
      case '_retry':
        this.note(
          'sync',
          `${update.attempt ? `Retry ${update.attempt} of ${update.attempts}` : 'Next request'} in ${Math.round(update.delay)} s: ${update.reason}`,
          'warning',
        );
        return;
      case '_condensed':
        this.note(
          'fold',
          `${update.kind === 'summary' ? 'Condensed the conversation' : 'Left out the oldest messages'}: ${thousands(update.before)} → ${thousands(update.after)} tokens`,
        );
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

  // --- rows ---------------------------------------------------------------------------------------

  private call(update: CallUpdate & { sessionUpdate: string; delta?: string; bytes?: number }): void {
    let call = this.calls.get(update.toolCallId);
    if (!call) {
      this.close();
      call = new Call(update.toolCallId, this.actions);
      this.calls.set(update.toolCallId, call);
      this.element.append(call.element);
    }
    call.update(update);
  }

  private answered(requestId: string, answer: string | null): void {
    const question = this.questions.get(requestId);
    if (question === undefined) return;
    this.questions.delete(requestId);
    if (answer === null) return; // it was withdrawn: nobody has to know any more
    this.close();
    this.element.append(
      h('div', { class: 'agent' }, markdown(question, this.actions.follow)),
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

  private state({
    state,
    stopReason,
    error,
  }: {
    state: string;
    stopReason?: string;
    error?: { message: string; hint: string; code: string };
  }): void {
    if (state === 'waiting') return;
    if (state === 'running') {
      this.plan = undefined;
      return;
    }
    this.close();
    for (const call of this.calls.values()) call.over();
    if (error) {
      this.element.append(
        h(
          'div',
          { class: 'error', role: 'alert' },
          h('div', { class: 'error-title' }, icon('error'), ` ${error.message}`),
          error.hint && h('div', { class: 'hint' }, error.hint),
          h('div', { class: 'code' }, error.code),
        ),
      );
    } else if (stopReason && STOPS[stopReason]) {
      this.note(
        stopReason === 'cancelled' ? 'debug-stop' : 'warning',
        STOPS[stopReason] as string,
        stopReason === 'cancelled' ? '' : 'warning',
      );
    }
  }

  private note(name: string, text: string, kind = ''): void {
    this.close();
    this.element.append(h('div', { class: `note ${kind}` }, icon(name), h('span', {}, text)));
  }

  /** What was said so far is a message of its own. */
  private close(): void {
    this.message = undefined;
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

/** A tool call: one row that folds, its output or its change below. */
class Call {
  diffs: Diff[] = [];
  private quiet = false;
  private kind = 'other';
  private status = 'pending';
  private title = '';
  private requestId = '';
  private denied = false;
  private output: Text | undefined;
  private readonly state = h('span', { class: 'state' });
  private readonly name = h('span', { class: 'title' });
  private readonly facts = h('span', { class: 'facts' });
  private readonly body = h('div', { class: 'body' });
  readonly element = h(
    'details',
    { class: 'call' },
    h('summary', {}, this.state, this.name, this.facts),
    this.body,
  );

  constructor(
    private readonly id: string,
    private readonly actions: Actions,
  ) {}

  update(update: CallUpdate & { bytes?: number }): void {
    this.quiet = update._meta?.quiet ?? this.quiet;
    this.kind = update.kind ?? this.kind;
    this.status = update.status ?? this.status;
    this.title = update._meta?.title ?? update.title ?? this.title;
    if (update._meta?.lines) this.facts.textContent = plural(update._meta.lines, 'line');
    if (update._meta?.answer) {
      this.result(update);
      return;
    }
    // What it does is shown in a way of its own, unless it fails.
    this.element.hidden = this.quiet && this.status !== 'failed';
    if (this.element.hidden) return;
    this.content(update);
    this.draw();
  }

  waits(requestId: string): void {
    this.requestId = requestId;
    this.draw();
  }

  settled(requestId: string, outcome?: string): void {
    if (requestId !== this.requestId) return;
    this.requestId = '';
    this.denied = outcome?.startsWith('reject') ?? false;
    this.draw();
  }

  /** The turn ended: what was not finished never will be. */
  over(): void {
    if (this.status === 'pending' || this.status === 'in_progress') {
      this.status = 'failed';
      this.draw();
    }
  }

  private draw(): void {
    const waiting = this.requestId !== '';
    const name = waiting
      ? 'bell-dot'
      : this.denied
        ? 'circle-slash'
        : (STATES[this.status] ?? 'circle-outline');
    this.element.className = `call ${waiting ? 'waiting' : this.denied ? 'denied' : this.status}`;
    this.state.replaceChildren(icon(name, !waiting && !this.denied && this.status === 'in_progress'));
    this.name.replaceChildren(icon(KINDS[this.kind] ?? 'tools'), h('span', { class: 'words' }, this.title));
    this.name.title = this.title;
    this.element.classList.toggle('empty', this.body.childNodes.length === 0);
  }

  private content(update: CallUpdate): void {
    const diffs = (update.content ?? []).filter((each) => each.type === 'diff');
    if (diffs.length > 0) this.changes(diffs);
    // Before that the change is in the card that asks for approval.
    if (this.diffs.length > 0 && this.status === 'completed') this.element.open = true;
    if (update._meta?.output) this.add(update._meta.output);
    if (update.rawOutput && (this.status === 'failed' || !this.output) && this.diffs.length === 0) {
      this.body.replaceChildren(h('pre', { class: 'output' }, update.rawOutput.slice(-MOST_OUTPUT)));
    } else if (update.rawOutput && this.status === 'failed') {
      this.body.append(h('pre', { class: 'output' }, update.rawOutput));
    }
    const range = update._meta?.range as { startLine: number; endLine: number } | undefined;
    const place = update.locations?.[0];
    if (range) this.facts.textContent = `${range.startLine}–${range.endLine}`;
    if (place && this.diffs.length === 0 && !this.facts.querySelector('a')) {
      const open = (event: Event) => {
        event.preventDefault();
        this.actions.open(place.path, range?.startLine ?? place.line);
      };
      this.facts.append(
        h(
          'a',
          {
            role: 'link',
            tabindex: '0',
            title: `Open ${place.path}`,
            'aria-label': 'Open the file',
            click: open,
          },
          icon('go-to-file'),
        ),
      );
    }
  }

  private changes(diffs: Diff[]): void {
    this.diffs = diffs;
    const views = diffs.map((diff) => ({ diff, view: diffView(diff.oldText ?? '', diff.newText) }));
    const count = (name: 'added' | 'removed') => views.reduce((sum, { view }) => sum + view[name], 0);
    this.facts.replaceChildren(
      h('span', { class: 'added' }, `+${count('added')}`),
      ' ',
      h('span', { class: 'removed' }, `−${count('removed')}`),
    );
    this.body.replaceChildren(
      ...views.map(({ diff, view }) =>
        h(
          'div',
          { class: 'diff-box' },
          h(
            'div',
            { class: 'code-head' },
            h('span', {}, baseName(diff.path)),
            h('button', { class: 'link', click: () => this.actions.diff(this.id, diff) }, 'Open diff'),
          ),
          view.element,
        ),
      ),
    );
  }

  private add(output: string): void {
    if (!this.output) {
      this.output = document.createTextNode('');
      this.body.append(h('pre', { class: 'output' }, this.output));
    }
    this.output.appendData(output);
    const over = this.output.length - MOST_OUTPUT;
    if (over > MOST_OUTPUT / 10) this.output.deleteData(0, over);
  }

  /** The last words of a task, as words. */
  private result(update: CallUpdate): void {
    const text = update.rawOutput;
    if (typeof text !== 'string' || this.element.nextElementSibling?.classList.contains('result')) return;
    this.element.after(h('div', { class: 'agent result' }, markdown(text, this.actions.follow)));
  }
}

export const baseName = (path: string) => path.slice(path.lastIndexOf('/') + 1);

export const thousands = (count: number) =>
  count < 1000 ? String(count) : `${(count / 1000).toFixed(count < 10_000 ? 1 : 0)}k`;

import type { CallUpdate, Diff, Permission } from '../shared/protocol';
import { approval, type Decisions } from './approval';
import { diffView } from './diff';
import { duration, h, icon, iconButton, plural } from './dom';
import { type Follow, markdown } from './markdown';
import { shown } from './places';

/** Characters of a command's output that are kept on the page. */
const MOST_OUTPUT = 200_000;
const SECOND = 1000;

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
/** What is said while the model still writes a call, and what it is about is not known. */
const BEGUN: Record<string, string> = {
  read: 'Read…',
  search: 'Search…',
  edit: 'Edit…',
  execute: 'Run…',
  fetch: 'Fetch…',
  delete: 'Delete…',
  move: 'Move…',
};

/** What a row of the timeline does when it is clicked. */
export interface Actions {
  follow: Follow;
  open: (path: string, line?: number) => void;
  diff: (diff: Diff) => void;
}

/** A tool call: one row that folds, its output or its change below; and what is asked about it. */
export class Call {
  diffs: Diff[] = [];
  private tool = '';
  private quiet = false;
  private kind = 'other';
  private status = 'pending';
  private title = '';
  private requestId = '';
  private denied = false;
  private began = 0;
  private ticking: number | undefined;
  private output: Text | undefined;
  private asked: HTMLElement | undefined;
  private readonly state = h('span', { class: 'state' });
  private readonly name = h('span', { class: 'title' });
  private readonly facts = h('span', { class: 'facts' });
  private readonly body = h('div', { class: 'body' });
  private readonly fold = h('details', {}, h('summary', {}, this.state, this.name, this.facts), this.body);
  private readonly go = iconButton('go-to-file', 'Open the file', () => this.opened());
  readonly element = h('div', { class: 'call' }, this.fold);
  private place: { path: string; line?: number } | undefined;

  constructor(private readonly actions: Actions) {}

  /** One more event of the call; `ts` is when it happened, in seconds. */
  update(update: CallUpdate & { bytes?: number }, ts: number): void {
    this.tool = update._meta?.tool ?? this.tool;
    this.kind = update.kind ?? this.kind;
    if (update.status === 'in_progress' && this.status !== 'in_progress') this.began = ts;
    this.status = update.status ?? this.status;
    this.title = update._meta?.title ?? this.named(update.title) ?? this.title;
    if (update._meta?.lines) this.facts.textContent = plural(update._meta.lines, 'line');
    this.quiet = update._meta?.quiet ?? this.quiet;
    this.denied = update._meta?.denied ?? this.denied;
    if (update._meta?.answer) {
      this.result(update);
      return;
    }
    // What it does is shown in a way of its own, unless it fails.
    this.element.hidden = this.quiet && this.status !== 'failed';
    if (this.element.hidden) return;
    this.content(update);
    this.times(update, ts);
    this.draw();
  }

  /** It waits for the user; until the card comes, the row says so. */
  waits(requestId: string): void {
    this.requestId = requestId;
    this.draw();
  }

  /** What is asked about it, in its row. */
  ask(asked: Permission, decisions: Decisions): HTMLElement {
    this.requestId = asked.requestId;
    this.asked?.remove();
    this.asked = approval(asked, decisions, this.diffs.length > 0);
    this.element.append(this.asked);
    this.fold.open = true;
    this.draw();
    return this.asked;
  }

  /** The card goes; how it was settled is told by an event. */
  unask(requestId: string): void {
    if (requestId !== this.requestId) return;
    this.asked?.remove();
    this.asked = undefined;
    this.draw();
  }

  settled(requestId: string, outcome?: string): void {
    if (requestId !== this.requestId) return;
    this.unask(requestId);
    this.requestId = '';
    this.denied = outcome?.startsWith('reject') ?? false;
    if (this.denied) this.fold.open = false;
    this.draw();
  }

  /** The turn ended: what was not finished never will be. */
  over(): void {
    this.requestId = '';
    if (this.status === 'pending' || this.status === 'in_progress') this.status = 'failed';
    this.draw();
  }

  /** The page forgets it. */
  dispose(): void {
    clearInterval(this.ticking);
  }

  /** A title that says what is done: the name of a tool says nothing to people. */
  private named(title: string | undefined): string | undefined {
    return title === this.tool ? (BEGUN[this.kind] ?? `${title.replace(/_/g, ' ')}…`) : title;
  }

  private draw(): void {
    const waiting = this.requestId !== '';
    const name = waiting
      ? 'bell-dot'
      : this.denied
        ? 'circle-slash'
        : (STATES[this.status] ?? 'circle-outline');
    const state = waiting ? 'waiting' : this.denied ? 'denied' : this.status;
    this.element.className = `call ${state}${this.asked ? ' card permission' : ''}`;
    this.state.replaceChildren(icon(name, !waiting && !this.denied && this.status === 'in_progress'));
    this.name.replaceChildren(icon(KINDS[this.kind] ?? 'tools'), h('span', { class: 'words' }, this.title));
    this.name.title = this.title;
    this.element.classList.toggle('empty', this.body.childNodes.length === 0);
    if (this.asked) {
      this.element.setAttribute('role', 'group');
      this.element.setAttribute('aria-label', `Approval: ${this.title}`);
    } else {
      this.element.removeAttribute('role');
      this.element.removeAttribute('aria-label');
    }
  }

  private content(update: CallUpdate): void {
    const diffs = (update.content ?? []).filter((each) => each.type === 'diff');
    if (diffs.length > 0) this.changes(diffs);
    if (this.diffs.length > 0 && this.status === 'completed') this.fold.open = true;
    if (update._meta?.output) this.add(update._meta.output);
    if (update.rawOutput && (this.status === 'failed' || !this.output) && this.diffs.length === 0) {
      this.body.replaceChildren(output(update.rawOutput.slice(-MOST_OUTPUT)));
    } else if (update.rawOutput && this.status === 'failed') {
      this.body.append(output(update.rawOutput));
    }
    const range = update._meta?.range as { startLine: number; endLine: number } | undefined;
    const place = update.locations?.[0];
    if (range) this.facts.textContent = `${range.startLine}–${range.endLine}`;
    if (place && this.diffs.length === 0) {
      const line = range?.startLine ?? place.line;
      this.place = { path: place.path, ...(line ? { line } : {}) };
      this.go.title = `Open ${shown(place.path)}`;
      this.corner(this.go);
    }
  }

  /** The one thing that is done with the row beside unfolding it. */
  private corner(button: HTMLElement): void {
    const before = this.fold.nextElementSibling;
    if (before?.matches('.icon-button')) before.remove();
    this.fold.after(button);
  }

  private opened(): void {
    if (this.place) this.actions.open(this.place.path, this.place.line);
  }

  /** A command: how long it runs, and how it ended. One that failed never looks as if it had not. */
  private times(update: CallUpdate, ts: number): void {
    if (this.kind !== 'execute') return;
    const running = this.status === 'in_progress';
    if (running && this.ticking === undefined) {
      this.fold.open = true;
      const since = Date.now();
      this.ticking = window.setInterval(() => {
        this.facts.textContent = duration((Date.now() - since) / SECOND);
      }, SECOND);
    }
    if (running) return;
    clearInterval(this.ticking);
    if (this.status !== 'completed' && this.status !== 'failed') return;
    const code = update._meta?.exitCode;
    const took = this.began > 0 ? duration(Math.max(0, ts - this.began)) : '';
    const ended = typeof code === 'number' ? `exit ${code}` : '';
    this.facts.textContent = [ended, took].filter(Boolean).join(' · ');
    if (typeof code === 'number' && code !== 0) this.status = 'failed';
    if (this.status === 'completed') this.fold.open = false;
  }

  private changes(diffs: Diff[]): void {
    this.diffs = diffs;
    const views = diffs.map((diff) => ({
      diff,
      view: diffView(diff.oldText ?? '', diff.newText, diff.path),
    }));
    const count = (name: 'added' | 'removed') => views.reduce((sum, { view }) => sum + view[name], 0);
    this.facts.replaceChildren(
      h('span', { class: 'added' }, `+${count('added')}`),
      ' ',
      h('span', { class: 'removed' }, `−${count('removed')}`),
    );
    const show = (diff: Diff) =>
      iconButton('diff', `Show diff of ${shown(diff.path)}`, () => this.actions.diff(diff));
    const [only] = diffs;
    if (only && diffs.length === 1) this.corner(show(only));
    this.body.replaceChildren(
      ...views.map(({ diff, view }) =>
        h(
          'div',
          { class: 'diff-box' },
          diffs.length > 1 &&
            h('div', { class: 'code-head' }, h('span', { class: 'grow' }, shown(diff.path)), show(diff)),
          view.element,
        ),
      ),
    );
  }

  private add(text: string): void {
    if (!this.output) {
      this.output = document.createTextNode('');
      this.body.append(output(this.output));
    }
    const box = this.output.parentElement;
    const atEnd = box !== null && box.scrollHeight - box.scrollTop - box.clientHeight < 8;
    this.output.appendData(text);
    const over = this.output.length - MOST_OUTPUT;
    if (over > MOST_OUTPUT / 10) this.output.deleteData(0, over);
    if (box && atEnd) box.scrollTop = box.scrollHeight;
  }

  /** The last words of a task, as words. */
  private result(update: CallUpdate): void {
    const text = update.rawOutput;
    if (typeof text !== 'string' || this.element.nextElementSibling?.classList.contains('result')) return;
    this.element.after(h('div', { class: 'agent result' }, markdown(text, this.actions.follow)));
  }
}

/** Output can be scrolled by keys: it takes the focus. */
const output = (text: Text | string) => h('pre', { class: 'output', tabindex: '0' }, text);

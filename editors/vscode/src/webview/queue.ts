import type { Event, Update } from '../shared/protocol';

/** Milliseconds of a frame that events may take; what is left is drawn in the next. */
const FRAME_MS = 8;

/** Events, drawn a frame at a time; deltas that follow each other are one. */
export class Queue {
  private events: Event[] = [];
  private scheduled = false;
  private behind: (() => void)[] = [];

  constructor(
    private readonly apply: (update: Update, ts: number) => void,
    private readonly drawn: () => void,
  ) {}

  get empty(): boolean {
    return this.events.length === 0;
  }

  clear(): void {
    this.events = [];
    this.behind = [];
  }

  take(events: Event[]): void {
    this.events.push(...events);
    this.schedule();
  }

  /** Do something once everything that came before it is drawn. */
  after(work: () => void): void {
    this.behind.push(work);
    this.schedule();
  }

  schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => this.frame());
  }

  private frame(): void {
    this.scheduled = false;
    const end = performance.now() + FRAME_MS;
    let at = 0;
    while (at < this.events.length && performance.now() < end) {
      const { ts } = this.events[at] as Event;
      const [update, next] = this.merged(at);
      this.apply(update, ts);
      at = next;
    }
    this.events = this.events.slice(at);
    if (this.empty) for (const work of this.behind.splice(0)) work();
    this.drawn();
    if (!this.empty) this.schedule();
  }

  /** The event at a place with the deltas after it that only go on with it, and the place behind them. */
  private merged(at: number): [Update, number] {
    const first = (this.events[at] as Event).update;
    let next = at + 1;
    if (first.sessionUpdate !== 'agent_message_chunk' && first.sessionUpdate !== 'agent_thought_chunk')
      return [first, next];
    const texts = [first.content.text];
    for (; next < this.events.length; next++) {
      const update = this.events[next]?.update;
      if (update?.sessionUpdate !== first.sessionUpdate) break;
      texts.push((update as typeof first).content.text);
    }
    return [{ ...first, content: { type: 'text', text: texts.join('') } }, next];
  }
}

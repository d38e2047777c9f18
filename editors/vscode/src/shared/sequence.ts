import type { Event } from './protocol';

/** Fetches the events after a number: at most a page of them, and the number after the last. */
export type Replay = (taskId: string, sinceSeq: number) => Promise<{ events: Event[]; nextSeq: number }>;

/**
 * The events of one task in order and without gaps, however they come: live ones may come early, late or
 * never, and what is missing is asked for.
 */
export class Sequence {
  private last = 0;
  private readonly early = new Map<number, Event>();
  private fetching: Promise<void> | undefined;

  constructor(
    readonly taskId: string,
    private readonly replay: Replay,
    private readonly deliver: (events: Event[]) => void,
  ) {}

  /** One live event. */
  take(event: Event): void {
    if (event.seq <= this.last) return;
    this.early.set(event.seq, event);
    if (event.seq === this.last + 1) this.flush();
    if (this.early.size > 0) void this.catchUp();
  }

  /** Everything that is stored and was not delivered yet; a failure leaves it to the next event. */
  catchUp(): Promise<void> {
    this.fetching ??= this.fetch().finally(() => {
      this.fetching = undefined;
    });
    return this.fetching;
  }

  private async fetch(): Promise<void> {
    try {
      for (;;) {
        const { events } = await this.replay(this.taskId, this.last);
        for (const event of events) this.early.set(event.seq, event);
        const before = this.last;
        // What is not stored any more will not come.
        if (events[0] && events[0].seq > this.last + 1) this.last = events[0].seq - 1;
        this.flush();
        if (this.last === before) return;
      }
    } catch {
      // The task is gone, or the server is: the next event asks again.
    }
  }

  private flush(): void {
    const ready: Event[] = [];
    for (const seq of this.early.keys()) if (seq <= this.last) this.early.delete(seq);
    for (let event = this.early.get(this.last + 1); event; event = this.early.get(this.last + 1)) {
      this.early.delete(event.seq);
      this.last = event.seq;
      ready.push(event);
    }
    if (ready.length > 0) this.deliver(ready);
  }
}

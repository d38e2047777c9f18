import { h, icon } from './dom';

/** How near to the end counts as being there. */
const NEAR = 40;

/** The story's window: it stays at the end, or at what waits for the user, until they scroll away from it. */
export class Scroller {
  private readonly words = h('span', {});
  readonly down = h(
    'nav',
    { class: 'down', hidden: true, 'aria-label': 'Way to the end' },
    h('button', { click: () => this.toEnd() }, icon('arrow-down'), this.words),
  );
  private pinned = true;
  private lastTop = 0;

  constructor(
    private readonly element: HTMLElement,
    /** What waits for the user, where something does. */
    private readonly waiting: () => HTMLElement | undefined,
    grows: HTMLElement,
  ) {
    // Only who scrolls up leaves the end: it moves by itself as well, when something grows or shrinks.
    element.addEventListener('scroll', () => {
      const away = element.scrollHeight - element.scrollTop - element.clientHeight;
      if (away < NEAR) this.pinned = true;
      else if (element.scrollTop < this.lastTop && !this.atWaiting()) this.pinned = false;
      this.lastTop = element.scrollTop;
      this.draw();
    });
    const growth = new ResizeObserver(() => this.follow());
    growth.observe(grows);
    growth.observe(element);
  }

  pin(): void {
    this.pinned = true;
  }

  /** Go where the user should look, unless they look elsewhere. */
  follow(): void {
    if (this.pinned) this.toEnd();
    this.draw();
  }

  private toEnd(): void {
    this.pinned = true;
    this.element.scrollTop = this.target();
    this.lastTop = this.element.scrollTop;
    this.draw();
  }

  /** The end; but a card that is taller than the window, or stands above it, from its first line. */
  private target(): number {
    const card = this.waiting();
    const end = this.element.scrollHeight - this.element.clientHeight;
    if (!card) return end;
    const top = card.getBoundingClientRect().top - this.element.getBoundingClientRect().top;
    return Math.min(end, this.element.scrollTop + top - 4);
  }

  private atWaiting(): boolean {
    return this.waiting() !== undefined && Math.abs(this.element.scrollTop - this.target()) < NEAR;
  }

  private draw(): void {
    this.down.hidden = this.pinned;
    this.words.textContent = this.waiting() ? 'Roo waits for you' : 'To the end';
  }
}

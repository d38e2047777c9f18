import { h, iconButton } from './dom';
import { thousands } from './timeline';

/** The task's title, and how much of the context and of one's money it has used. */
export class Header {
  private readonly title = h('h1', { class: 'task-title' });
  private readonly gauge = h('span', { class: 'gauge' });
  private readonly bar = h('div', { class: 'bar' }, h('div'));
  private readonly condense: HTMLButtonElement;
  readonly element: HTMLElement;
  private canCondense = false;
  private share = 0;

  constructor(condense: () => void) {
    this.condense = iconButton('fold', 'Condense the conversation', condense);
    this.condense.hidden = true;
    this.element = h(
      'header',
      { hidden: true },
      h('div', { class: 'head' }, this.title, this.gauge, this.condense),
      this.bar,
    );
  }

  begin(taskId: string | null, name: string): void {
    this.element.hidden = taskId === null;
    this.name(name);
    this.gauge.textContent = '';
    this.share = 0;
    this.draw();
  }

  get named(): boolean {
    return this.title.textContent !== '';
  }

  name(name: string): void {
    this.title.textContent = name;
    this.title.title = name;
  }

  offers(condense: boolean): void {
    this.canCondense = condense;
    this.draw();
  }

  usage(used: number, size: number, cost: number): void {
    this.share = size > 0 ? Math.min(1, used / size) : 0;
    this.gauge.textContent = `${thousands(used)} / ${thousands(size)}${cost > 0 ? ` · $${cost < 0.01 ? cost.toFixed(4) : cost.toFixed(2)}` : ''}`;
    this.gauge.title = `${used} of ${size} tokens of the context`;
    this.draw();
  }

  private draw(): void {
    (this.bar.firstElementChild as HTMLElement).style.width = `${this.share * 100}%`;
    this.bar.classList.toggle('full', this.share > 0.8);
    this.condense.hidden = !this.canCondense || this.share < 0.05;
  }
}

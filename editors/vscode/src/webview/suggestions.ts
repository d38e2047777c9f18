import type { Offer } from '../shared/protocol';
import { h, icon } from './dom';

/** A list below a text field: the field keeps the focus, and names the line that is chosen. */
export class Suggestions {
  readonly element = h('div', {
    class: 'suggestions',
    id: 'suggestions',
    role: 'listbox',
    'aria-label': 'Suggestions',
    hidden: true,
  });
  private offers: Offer[] = [];
  private chosen = 0;

  constructor(
    private readonly field: HTMLTextAreaElement,
    private readonly take: (offer: Offer) => void,
  ) {
    field.setAttribute('aria-autocomplete', 'list');
    field.setAttribute('aria-haspopup', 'listbox');
    field.setAttribute('aria-controls', 'suggestions');
  }

  show(offers: Offer[]): void {
    this.offers = offers;
    this.chosen = 0;
    this.element.hidden = offers.length === 0;
    this.element.replaceChildren(
      ...offers.map((offer, at) =>
        h(
          'div',
          {
            class: 'suggestion',
            id: `suggestion-${at}`,
            role: 'option',
            'aria-selected': 'false',
            mousedown: (event) => {
              event.preventDefault();
              this.take(offer);
            },
          },
          icon(offer.icon),
          h('span', { class: 'name' }, offer.label),
          offer.description !== undefined && h('span', { class: 'grow hint' }, offer.description),
        ),
      ),
    );
    this.choose(0);
  }

  hide(): void {
    if (!this.element.hidden) this.show([]);
  }

  /** True where the key was for the list. */
  key(event: KeyboardEvent): boolean {
    if (this.element.hidden || this.offers.length === 0) return false;
    const offer = this.offers[this.chosen];
    if (event.key === 'Enter' && offer && this.stands(offer)) {
      this.hide();
      return false;
    }
    if (event.key === 'ArrowDown') this.choose(this.chosen + 1);
    else if (event.key === 'ArrowUp') this.choose(this.chosen - 1);
    else if ((event.key === 'Enter' || event.key === 'Tab') && offer) this.take(offer);
    else if (event.key === 'Escape') {
      this.hide();
      event.stopPropagation();
    } else return false;
    event.preventDefault();
    return true;
  }

  /** True where it is written whole already: Enter sends it. */
  private stands(offer: Offer): boolean {
    return this.field.value.slice(0, this.field.selectionStart).endsWith(offer.text);
  }

  private choose(at: number): void {
    const rows = this.element.children;
    rows[this.chosen]?.setAttribute('aria-selected', 'false');
    this.chosen = rows.length > 0 ? (at + rows.length) % rows.length : 0;
    const row = rows[this.chosen];
    row?.setAttribute('aria-selected', 'true');
    row?.scrollIntoView({ block: 'nearest' });
    if (row) this.field.setAttribute('aria-activedescendant', row.id);
    else this.field.removeAttribute('aria-activedescendant');
  }
}

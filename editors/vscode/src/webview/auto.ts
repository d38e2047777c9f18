import type { Facts } from '../shared/protocol';
import { h, icon } from './dom';

/** What there are tools for; what a task needs to be safe is only a setting. */
const KINDS: [string, string][] = [
  ['read', 'Read files'],
  ['readOutside', 'Read files outside the workspace'],
  ['edit', 'Edit files'],
  ['editOutside', 'Edit files outside the workspace'],
  ['execute', 'Run commands that are allowed'],
];

/** The switches of what is approved without a question, and what is on, always in sight. */
export class AutoApprove {
  private readonly label = h('span', {});
  readonly button = h(
    'button',
    {
      class: 'model auto',
      'aria-expanded': 'false',
      'aria-controls': 'auto',
      hidden: true,
      click: () => this.toggle(this.panel.hidden === true),
    },
    icon('zap'),
    this.label,
  );
  private readonly boxes = new Map(
    KINDS.map(([kind, name]): [string, { name: string; box: HTMLInputElement }] => [
      kind,
      {
        name,
        box: h('input', {
          type: 'checkbox',
          change: (event) => this.change(kind, (event.target as HTMLInputElement).checked),
        }),
      },
    ]),
  );
  readonly panel = h(
    'div',
    {
      class: 'auto-panel',
      id: 'auto',
      role: 'group',
      'aria-label': 'Approve without asking',
      hidden: true,
      keydown: (event) => this.key(event as KeyboardEvent),
    },
    h('div', { class: 'hint' }, 'Approve without asking, until the server ends:'),
    ...[...this.boxes.values()].map(({ name, box }) => h('label', {}, box, ` ${name}`)),
  );

  constructor(private readonly change: (kind: string, on: boolean) => void) {}

  facts(facts: Facts): void {
    this.button.hidden = !facts.commands.includes('roo.approval.auto');
    const on: string[] = [];
    for (const [kind, { name, box }] of this.boxes) {
      box.checked = facts.autoApprove[kind] ?? false;
      if (box.checked) on.push(name);
    }
    const more = on.filter((name) => name !== 'Read files');
    this.label.textContent = more.length > 0 ? String(more.length) : '';
    this.button.classList.toggle('on', more.length > 0);
    const tip = on.length > 0 ? `Approved without asking: ${on.join(', ')}` : 'Approve without asking…';
    this.button.title = tip;
    this.button.setAttribute('aria-label', tip);
  }

  private toggle(open: boolean): void {
    this.panel.hidden = !open;
    this.button.setAttribute('aria-expanded', String(open));
    if (open) this.panel.querySelector('input')?.focus();
  }

  private key(event: KeyboardEvent): void {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    this.toggle(false);
    this.button.focus();
  }
}

import type { Changed } from '../shared/protocol';
import { button, h, icon, iconButton, plural } from './dom';

/** The files that the task changed and nobody has looked at, in one line that unfolds. */
export class Changes {
  readonly element = h('section', { class: 'changes', 'aria-label': 'Changes to review', hidden: true });
  private open = false;

  constructor(
    private readonly review: (what: 'review' | 'keepAll' | 'revertAll') => void,
    private readonly openFile: (path: string) => void,
  ) {}

  show(changed: Changed[]): void {
    this.element.hidden = changed.length === 0;
    const sum = (name: 'added' | 'removed') => changed.reduce((total, each) => total + each[name], 0);
    const files = h(
      'div',
      { class: 'files', hidden: !this.open },
      ...changed.map((each) =>
        h(
          'button',
          { class: 'file', title: each.name, click: () => this.openFile(each.uri) },
          icon('file'),
          h('span', { class: 'grow' }, each.name),
          ...counts(each),
        ),
      ),
    );
    const fold = h(
      'button',
      {
        class: 'fold grow',
        'aria-expanded': String(this.open),
        click: () => {
          this.open = !this.open;
          files.hidden = !this.open;
          fold.setAttribute('aria-expanded', String(this.open));
        },
      },
      icon('diff-multiple'),
      h('span', {}, plural(changed.length, 'file')),
      ...counts({ added: sum('added'), removed: sum('removed') }),
    );
    this.element.replaceChildren(
      h(
        'div',
        { class: 'changes-head' },
        fold,
        button('Review', 'secondary', () => this.review('review')),
        iconButton('check-all', 'Keep all changes', () => this.review('keepAll')),
        iconButton('discard', 'Revert all changes…', () => this.review('revertAll')),
      ),
      files,
    );
  }
}

const counts = ({ added, removed }: { added: number; removed: number }) => [
  h('span', { class: 'added' }, `+${added}`),
  h('span', { class: 'removed' }, `−${removed}`),
];

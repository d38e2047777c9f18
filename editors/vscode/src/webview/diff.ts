import { lineDiff } from '../shared/lines';
import { h } from './dom';

/** Lines of a diff that are drawn; the whole of it opens in an editor. */
const MOST_LINES = 400;
const SIGNS = { same: ' ', added: '+', removed: '−', skipped: '⋯' };

/** A change as coloured lines, and how many lines were added and removed. */
export function diffView(
  before: string,
  after: string,
): { element: HTMLElement; added: number; removed: number } {
  const { lines, added, removed } = lineDiff(before, after);
  const rows = lines
    .slice(0, MOST_LINES)
    .map((line) =>
      h(
        'div',
        { class: `line ${line.kind}` },
        h('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[line.kind]),
        h('span', {}, line.text || ' '),
      ),
    );
  if (lines.length > MOST_LINES)
    rows.push(h('div', { class: 'line skipped' }, `${lines.length - MOST_LINES} more lines: open the diff`));
  return { element: h('div', { class: 'diff' }, ...rows), added, removed };
}

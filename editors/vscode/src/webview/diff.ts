import { type DiffLine, lineDiff } from '../shared/lines';
import { colouredLines, languageOf } from './colours';
import { h, plural } from './dom';

/** Lines that are drawn at once; the others come when they are asked for. */
const FEW_LINES = 40;
/** Lines that are drawn at most; the whole of it opens in an editor. */
const MOST_LINES = 2000;
const SIGNS = { same: ' ', added: '+', removed: '−', skipped: '⋯' };

/** A change as numbered, coloured lines, and how many lines were added and removed. */
export function diffView(
  before: string,
  after: string,
  path: string,
): { element: HTMLElement; added: number; removed: number } {
  const { lines, added, removed } = lineDiff(before, after);
  const language = languageOf(path);
  const texts = { old: colouredLines(before, language), now: colouredLines(after, language) };
  const digits = String(Math.max(1, ...lines.map((line) => line.now ?? line.old ?? 0))).length;
  const row = (line: DiffLine) => drawn(line, texts);
  const element = h('div', { class: 'diff', tabindex: '0' }, ...lines.slice(0, FEW_LINES).map(row));
  element.style.setProperty('--digits', String(digits));
  if (lines.length > FEW_LINES) element.append(more(element, lines, row));
  return { element, added, removed };
}

type Texts = { old: Node[][] | undefined; now: Node[][] | undefined };

function drawn(line: DiffLine, texts: Texts): HTMLElement {
  if (line.kind === 'skipped') return h('div', { class: 'line skipped' }, line.text);
  const number = line.now ?? line.old ?? 0;
  const words = line.kind === 'removed' ? texts.old?.[number - 1] : texts.now?.[number - 1];
  return h(
    'div',
    { class: `line ${line.kind}` },
    h('span', { class: 'number', 'aria-hidden': 'true' }, String(number)),
    h('span', { class: 'sign' }, SIGNS[line.kind]),
    h('span', { class: 'text' }, ...(words && words.length > 0 ? words : [line.text || ' '])),
  );
}

function more(element: HTMLElement, lines: DiffLine[], row: (line: DiffLine) => HTMLElement): HTMLElement {
  const rest = lines.slice(FEW_LINES, MOST_LINES);
  const button = h(
    'button',
    {
      class: 'line more',
      click: () => {
        button.replaceWith(...rest.map(row));
        if (lines.length > MOST_LINES)
          element.append(
            h('div', { class: 'line skipped' }, `${lines.length - MOST_LINES} more lines: open the diff`),
          );
      },
    },
    `Show ${plural(lines.length - FEW_LINES, 'more line')}`,
  );
  return button;
}

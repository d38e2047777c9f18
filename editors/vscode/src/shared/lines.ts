/** A line of a diff. */
export interface DiffLine {
  kind: 'same' | 'added' | 'removed' | 'skipped';
  text: string;
  /** Its number in the text before, from 1, where it is one of it. */
  old?: number;
  /** Its number in the text after. */
  now?: number;
}

const CONTEXT = 3;
/** Lines on each side above which the middle is shown as replaced, not compared line by line. */
const COMPARABLE = 600;

/** The changed lines with a little around them, and how many were added and removed. */
export function lineDiff(
  before: string,
  after: string,
): { lines: DiffLine[]; added: number; removed: number } {
  const old = split(before);
  const now = split(after);
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head++;
  let tail = 0;
  while (tail < old.length - head && tail < now.length - head && old.at(-1 - tail) === now.at(-1 - tail))
    tail++;
  const middle = compare(old.slice(head, old.length - tail), now.slice(head, now.length - tail));
  const all: DiffLine[] = [
    ...old.slice(0, head).map((text): DiffLine => ({ kind: 'same', text })),
    ...middle,
    ...old.slice(old.length - tail).map((text): DiffLine => ({ kind: 'same', text })),
  ];
  number(all);
  return {
    lines: folded(all),
    added: middle.filter((line) => line.kind === 'added').length,
    removed: middle.filter((line) => line.kind === 'removed').length,
  };
}

function split(text: string): string[] {
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function compare(old: string[], now: string[]): DiffLine[] {
  if (old.length > COMPARABLE || now.length > COMPARABLE) {
    return [...old.map(removed), ...now.map(added)];
  }
  // The longest common subsequence, from the end, so that the walk goes forward.
  const lengths = Array.from({ length: old.length + 1 }, () => new Uint16Array(now.length + 1));
  for (let i = old.length - 1; i >= 0; i--) {
    const row = lengths[i] as Uint16Array;
    const below = lengths[i + 1] as Uint16Array;
    for (let j = now.length - 1; j >= 0; j--) {
      row[j] = old[i] === now[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < old.length && j < now.length) {
    if (old[i] === now[j]) {
      lines.push({ kind: 'same', text: old[i] as string });
      i++;
      j++;
    } else if ((lengths[i + 1]?.[j] ?? 0) >= (lengths[i]?.[j + 1] ?? 0)) {
      lines.push(removed(old[i++] as string));
    } else {
      lines.push(added(now[j++] as string));
    }
  }
  return [...lines, ...old.slice(i).map(removed), ...now.slice(j).map(added)];
}

function number(lines: DiffLine[]): void {
  let [old, now] = [0, 0];
  for (const line of lines) {
    if (line.kind !== 'added') line.old = ++old;
    if (line.kind !== 'removed') line.now = ++now;
  }
}

const added = (text: string): DiffLine => ({ kind: 'added', text });
const removed = (text: string): DiffLine => ({ kind: 'removed', text });

/** Long runs of unchanged lines as one line that says how many there are. */
function folded(lines: DiffLine[]): DiffLine[] {
  const keep = lines.map(() => false);
  lines.forEach((line, at) => {
    if (line.kind !== 'same') keep.fill(true, Math.max(0, at - CONTEXT), at + CONTEXT + 1);
  });
  const out: DiffLine[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (keep[at]) {
      out.push(lines[at] as DiffLine);
      continue;
    }
    let end = at;
    while (end < lines.length && !keep[end]) end++;
    const count = end - at;
    out.push({ kind: 'skipped', text: `${count} unchanged line${count === 1 ? '' : 's'}` });
    at = end - 1;
  }
  return out;
}

interface Place {
  line: number;
  character: number;
}

/** A text with some of its hunks taken back: each `after` at its range becomes its `before` again. */
export function withoutHunks(
  text: string,
  hunks: { range: { start: Place; end: Place }; before: string }[],
): string {
  const lines = text.match(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g) ?? [];
  for (const hunk of [...hunks].sort((a, b) => b.range.start.line - a.range.start.line)) {
    const { start, end } = hunk.range;
    // The end of a text without a last line feed stands behind its last line.
    const count = end.line - start.line + (end.character > 0 ? 1 : 0);
    lines.splice(start.line, count, hunk.before);
  }
  return lines.join('');
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineDiff, withoutHunks } from '../src/shared/lines';

const shown = (before: string, after: string) =>
  lineDiff(before, after).lines.map(
    ({ kind, text }) => `${{ same: ' ', added: '+', removed: '-', skipped: '~' }[kind]}${text}`,
  );

test('a changed line is shown with what is around it', () => {
  assert.deepEqual(shown('a\nb\nc\n', 'a\nB\nc\n'), [' a', '-b', '+B', ' c']);
});

test('unchanged lines far away are folded', () => {
  const lines = ['1', '2', '3', '4', '5', '6', '7', '8'];
  assert.deepEqual(shown(`${lines.join('\n')}\nold\n`, `${lines.join('\n')}\nnew\n`), [
    '~5 unchanged lines',
    ' 6',
    ' 7',
    ' 8',
    '-old',
    '+new',
  ]);
});

test('a new file is all added', () => {
  const { added, removed } = lineDiff('', 'a\nb\n');
  assert.deepEqual([added, removed], [2, 0]);
});

test('lines that stay between two changes stay', () => {
  assert.deepEqual(shown('a\nkeep\nb\n', 'A\nkeep\nB\n'), ['-a', '+A', ' keep', '-b', '+B']);
});

const at = (start: number, end: number, character = 0) => ({
  start: { line: start, character: 0 },
  end: { line: end, character },
});

test('hunks are taken back wherever they stand', () => {
  const text = 'a\nB1\nB2\nc\nD\n';
  const hunks = [
    { range: at(1, 3), before: 'b\n' },
    { range: at(4, 5), before: '' },
  ];
  assert.equal(withoutHunks(text, hunks), 'a\nb\nc\n');
});

test('a hunk at the end of a text without a last line feed is taken back whole', () => {
  assert.equal(withoutHunks('a\nB', [{ range: at(1, 1, 1), before: 'b' }]), 'a\nb');
});

test('removed lines come back', () => {
  assert.equal(withoutHunks('a\nc\n', [{ range: at(1, 1), before: 'b\n' }]), 'a\nb\nc\n');
});

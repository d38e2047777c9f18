import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../src/shared/protocol';
import { type Replay, Sequence } from '../src/shared/sequence';

const event = (seq: number): Event => ({
  v: 1,
  taskId: 'task',
  seq,
  ts: 0,
  update: { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: String(seq) } },
});

/** A sequence over a store, and what it delivered. */
function sequence(stored: Event[], page = 100) {
  const delivered: number[] = [];
  const replay: Replay = async (_task, since) => {
    const events = stored.filter(({ seq }) => seq > since).slice(0, page);
    return { events, nextSeq: events.at(-1)?.seq ?? since };
  };
  const made = new Sequence('task', replay, (events) => delivered.push(...events.map(({ seq }) => seq)));
  return { made, delivered };
}

test('live events in order are delivered as they come', () => {
  const { made, delivered } = sequence([]);
  for (const seq of [1, 2, 3]) made.take(event(seq));
  assert.deepEqual(delivered, [1, 2, 3]);
});

test('an event that comes twice is delivered once', () => {
  const { made, delivered } = sequence([]);
  for (const seq of [1, 2, 2, 1]) made.take(event(seq));
  assert.deepEqual(delivered, [1, 2]);
});

test('what is missing is asked for and comes before what was early', async () => {
  const { made, delivered } = sequence([1, 2, 3, 4, 5].map(event));
  made.take(event(1));
  made.take(event(5));
  await made.catchUp();
  assert.deepEqual(delivered, [1, 2, 3, 4, 5]);
});

test('a view that comes late gets everything, a page at a time', async () => {
  const { made, delivered } = sequence([1, 2, 3, 4, 5].map(event), 2);
  await made.catchUp();
  assert.deepEqual(delivered, [1, 2, 3, 4, 5]);
});

test('what is not stored any more is not waited for', async () => {
  const { made, delivered } = sequence([1, 2, 4, 5].map(event));
  await made.catchUp();
  made.take(event(6));
  assert.deepEqual(delivered, [1, 2, 4, 5, 6]);
});

test('a replay that fails is tried again with the next event', async () => {
  let works = false;
  const delivered: number[] = [];
  const replay: Replay = async () => {
    if (!works) throw new Error('gone');
    return { events: [1, 2, 3].map(event), nextSeq: 3 };
  };
  const made = new Sequence('task', replay, (events) => delivered.push(...events.map(({ seq }) => seq)));
  made.take(event(2));
  await made.catchUp();
  assert.deepEqual(delivered, []);
  works = true;
  made.take(event(3));
  await made.catchUp();
  assert.deepEqual(delivered, [1, 2, 3]);
});

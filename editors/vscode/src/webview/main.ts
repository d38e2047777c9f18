import '@vscode/codicons/dist/codicon.css';
import './view.css';
import type { Facts, FromView, Permission, Event as RooEvent, ToView, Update } from '../shared/protocol';
import { Composer } from './composer';
import { button, h, icon, iconButton } from './dom';
import { Timeline, thousands } from './timeline';
import { Waiting } from './waiting';

declare function acquireVsCodeApi(): { postMessage(message: FromView): void };

const vscode = acquireVsCodeApi();
const post = (message: FromView) => vscode.postMessage(message);
const follow = (href: string) =>
  post(/^https?:/i.test(href) ? { type: 'link', href } : { type: 'open', ...place(href) });

/** Milliseconds of a frame that events may take; what is left is drawn in the next. */
const FRAME_MS = 8;

const timeline = new Timeline({
  follow,
  open: (path, line) => post({ type: 'open', path, ...(line ? { line } : {}) }),
  diff: (toolCallId, diff) =>
    post({ type: 'diff', toolCallId, path: diff.path, oldText: diff.oldText ?? '', newText: diff.newText }),
});
const waiting = new Waiting(timeline, {
  respond: (requestId, decision, feedback) => post({ type: 'respond', requestId, decision, feedback }),
  answer: (requestId, text) => post({ type: 'answer', requestId, text }),
  diff: (toolCallId, diff) =>
    post({ type: 'diff', toolCallId, path: diff.path, oldText: diff.oldText ?? '', newText: diff.newText }),
  open: (path) => post({ type: 'open', path }),
  review: (type) => post({ type }),
  follow,
});
const composer = new Composer({
  send: (text, mode, profile) => {
    pinned = true;
    post({ type: 'send', text, mode, profile });
  },
  cancel: () => post({ type: 'cancel' }),
  mode: (mode) => post({ type: 'mode', mode }),
  profile: (profile) => post({ type: 'profile', profile }),
  model: () => post({ type: 'selectModel' }),
  detach: (index) => post({ type: 'detach', index }),
  files: (query) => post({ type: 'files', query }),
});

const title = h('span', { class: 'task-title' });
const gauge = h('span', { class: 'gauge' });
const bar = h('div', { class: 'bar' }, h('div'));
const header = h('header', { hidden: true }, h('div', { class: 'head' }, title, gauge), bar);
const welcome = h('div', { class: 'welcome' });
const working = h(
  'div',
  { class: 'working', hidden: true },
  icon('loading', true),
  h('span', {}, 'Working…'),
);
const scroller = h('main', {}, welcome, timeline.element, working);
const down = h(
  'div',
  { class: 'down', hidden: true },
  iconButton('arrow-down', 'To the end', () => toEnd()),
);
document.body.append(header, scroller, down, waiting.element, composer.element);

let task: string | null = null;
let facts: Facts | undefined;
let permissions: Permission[] = [];
let queue: RooEvent[] = [];
let scheduled = false;
let pinned = true;
let lastTop = 0;

window.addEventListener('message', ({ data }: MessageEvent<ToView>) => {
  switch (data.type) {
    case 'task':
      begin(data.taskId, data.title);
      return;
    case 'events':
      queue.push(...data.events);
      schedule();
      return;
    case 'permissions':
      permissions = data.permissions;
      schedule();
      return;
    case 'changes':
      waiting.show(data.changes);
      return;
    case 'attachments':
      composer.attachments(data.attachments);
      return;
    case 'facts':
      facts = data.facts;
      composer.facts(facts);
      drawWelcome();
      return;
    case 'files':
      composer.offer(data.query, data.files);
      return;
    case 'failed':
      composer.giveBack(data.text);
      timeline.add({
        sessionUpdate: '_state',
        state: 'failed',
        error: { code: '', message: data.message, hint: '' },
      });
      return;
    case 'focus':
      composer.focus();
  }
});

// --- events, a frame at a time ----------------------------------------------------------------------

function begin(taskId: string | null, name: string): void {
  task = taskId;
  queue = [];
  timeline.clear();
  waiting.clear();
  header.hidden = taskId === null;
  title.textContent = name;
  gauge.textContent = '';
  pinned = true;
  state('idle');
  drawWelcome();
  schedule();
}

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(frame);
}

function frame(): void {
  scheduled = false;
  const end = performance.now() + FRAME_MS;
  let at = 0;
  while (at < queue.length && performance.now() < end) {
    const [update, next] = merged(at);
    apply(update);
    at = next;
  }
  queue = queue.slice(at);
  waiting.permissions(permissions, task);
  if (pinned) toEnd();
  if (queue.length > 0) schedule();
}

/** The event at a place with the deltas after it that only go on with it, and the place behind them. */
function merged(at: number): [Update, number] {
  const first = (queue[at] as RooEvent).update;
  let next = at + 1;
  if (first.sessionUpdate !== 'agent_message_chunk' && first.sessionUpdate !== 'agent_thought_chunk')
    return [first, next];
  const texts = [first.content.text];
  for (; next < queue.length; next++) {
    const update = queue[next]?.update;
    if (update?.sessionUpdate !== first.sessionUpdate) break;
    texts.push((update as typeof first).content.text);
  }
  return [{ ...first, content: { type: 'text', text: texts.join('') } }, next];
}

function apply(update: Update): void {
  timeline.add(update);
  switch (update.sessionUpdate) {
    case 'user_message_chunk':
      if (!title.textContent && update.content.type === 'text')
        title.textContent = update.content.text.split('\n', 1)[0] ?? '';
      return;
    case '_state':
      state(update.state);
      return;
    case '_question':
      if (update.question === undefined) waiting.answered(update.requestId);
      else
        waiting.ask({
          requestId: update.requestId,
          question: update.question,
          suggestions: update.suggestions ?? [],
        });
      return;
    case 'current_mode_update':
      composer.mode(update.currentModeId);
      return;
    case 'usage_update':
      usage(update.used, update.size, update.cost.amount);
  }
}

function state(now: string): void {
  working.hidden = now !== 'running';
  composer.state(now === 'running' || now === 'waiting', task !== null);
}

function usage(used: number, size: number, cost: number): void {
  const share = size > 0 ? Math.min(1, used / size) : 0;
  gauge.textContent = `${thousands(used)} / ${thousands(size)}${cost > 0 ? ` · $${cost < 0.01 ? cost.toFixed(4) : cost.toFixed(2)}` : ''}`;
  gauge.title = `${used} of ${size} tokens of the context`;
  (bar.firstElementChild as HTMLElement).style.width = `${share * 100}%`;
  bar.classList.toggle('full', share > 0.8);
}

// --- the page ---------------------------------------------------------------------------------------

function toEnd(): void {
  pinned = true;
  scroller.scrollTop = scroller.scrollHeight;
}

// Only who scrolls up leaves the end: it moves by itself as well, when something grows or shrinks.
scroller.addEventListener('scroll', () => {
  const away = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
  if (away < 40) pinned = true;
  else if (scroller.scrollTop < lastTop) pinned = false;
  lastTop = scroller.scrollTop;
  down.hidden = pinned;
});
const growth = new ResizeObserver(() => {
  if (pinned) toEnd();
});
growth.observe(timeline.element);
growth.observe(scroller);

function drawWelcome(): void {
  welcome.hidden = task !== null;
  if (!facts) return;
  const { ready, problem, model, endpoint } = facts;
  const command = (type: 'setKey' | 'doctor' | 'openSettings' | 'restart' | 'showLog') => () =>
    post({ type });
  welcome.replaceChildren(
    ...(problem
      ? [
          h(
            'div',
            { class: 'error', role: 'alert' },
            h('div', { class: 'error-title' }, icon('error'), ' The server is not running'),
            h('div', { class: 'hint' }, problem),
          ),
          h(
            'div',
            { class: 'buttons' },
            button('Start Again', 'primary', command('restart')),
            button('Settings', 'secondary', command('openSettings')),
            button('Log', 'secondary', command('showLog')),
          ),
        ]
      : [
          h('h2', {}, 'What should Roo do?'),
          h(
            'p',
            {},
            'Roo reads, changes and runs code in this workspace. It asks before it changes or runs something, and you keep or revert each change afterwards.',
          ),
          h(
            'p',
            { class: 'endpoint' },
            ready
              ? `${model || 'The model'} at ${endpoint || 'the server found on this machine'}`
              : 'roo-lsp starts…',
          ),
          h(
            'div',
            { class: 'buttons' },
            button('Set API Key…', 'secondary', command('setKey')),
            button('Test the Endpoint', 'secondary', command('doctor')),
            button('Settings', 'secondary', command('openSettings')),
          ),
          h(
            'p',
            { class: 'hint' },
            'Type @ to name a file. Select code and press Ctrl+Alt+R to ask about it.',
          ),
        ]),
  );
}

/** The file and line that a link of the model means: `src/app.py#L3`, `src/app.py:3`. */
function place(href: string): { path: string; line?: number } {
  const found = /^(.*?)(?:#L|:)(\d+)(?:[-:].*)?$/.exec(href);
  const path = decoded(found?.[1] ?? href);
  return found ? { path, line: Number(found[2]) } : { path };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

post({ type: 'ready' });

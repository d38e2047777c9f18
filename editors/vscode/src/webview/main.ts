import '@vscode/codicons/dist/codicon.css';
import './view.css';
import type { Facts, FromView, Lost, Palette, Permission, Report, ToView, Update } from '../shared/protocol';
import { Changes } from './changes';
import { Composer } from './composer';
import { h, icon } from './dom';
import { Header } from './header';
import { onCode } from './markdown';
import { useFolders } from './places';
import { Queue } from './queue';
import { Scroller } from './scroller';
import { Timeline } from './timeline';
import { reportCard, welcome } from './welcome';

declare function acquireVsCodeApi(): { postMessage(message: FromView): void };

const vscode = acquireVsCodeApi();
const post = (message: FromView) => vscode.postMessage(message);
const palette = (type: Palette) => post({ type });
const follow = (href: string) =>
  post(/^https?:/i.test(href) ? { type: 'link', href } : { type: 'open', ...place(href) });
const open = (path: string, line?: number) => post({ type: 'open', path, ...(line ? { line } : {}) });
onCode((what, text) => post({ type: 'code', what, text }));

const composer = new Composer({
  send: (text, mode, profile, instead) => {
    scroller.pin();
    post({ type: 'send', text, mode, profile, ...(instead === undefined ? {} : { instead }) });
  },
  cancel: () => post({ type: 'cancel' }),
  mode: (mode) => post({ type: 'mode', mode }),
  profile: (profile) => post({ type: 'profile', profile }),
  model: () => palette('selectModel'),
  detach: (index) => post({ type: 'detach', index }),
  attachImage: (name, uri) => post({ type: 'attachImage', name, uri }),
  attachFiles: (uris) => post({ type: 'attachFiles', uris }),
  offers: (query) => post({ type: 'offers', query }),
  prompts: () => post({ type: 'prompts' }),
  enhance: (text) => post({ type: 'enhance', text }),
  auto: (kind, on) => post({ type: 'auto', kind, on }),
  draft: (text) => post({ type: 'draft', text }),
});
const timeline = new Timeline(
  {
    follow,
    open,
    palette,
    diff: ({ path, oldText, newText }) => post({ type: 'diff', path, oldText: oldText ?? '', newText }),
    checkpoint: (what, checkpointId, label) => post({ type: 'checkpoint', what, checkpointId, label }),
    unqueue: (messageId) => post({ type: 'unqueue', messageId }),
    requeue: (messageId, text) => post({ type: 'requeue', messageId, text }),
    again: (text, entry) => composer.put(text, entry),
    has: (command) => facts?.commands.includes(command) ?? false,
  },
  {
    respond: (requestId, decision, feedback) => post({ type: 'respond', requestId, decision, feedback }),
    answer: (requestId, text) => post({ type: 'answer', requestId, text }),
    open,
    show: (taskId) => post({ type: 'show', taskId }),
  },
);
timeline.returned = (text) => {
  if (live) composer.giveBack(text);
};
const changes = new Changes(palette, open);
const header = new Header(() => palette('condense'));
const start = h('div', { class: 'welcome' });
const reported = h('div');
const WORKING = 'Working…';
const doing = h('span', {}, WORKING);
const working = h('div', { class: 'working', hidden: true }, icon('loading', true), doing);
const story = h('div', { class: 'story' }, start, timeline.element, timeline.after, reported, working);
const main = h('main', { tabindex: '-1' }, story);
const scroller = new Scroller(main, () => timeline.waiting, story);
document.body.append(header.element, main, scroller.down, changes.element, composer.element);

let task: string | null = null;
let state = 'idle';
let facts: Facts | undefined;
let permissions: Permission[] = [];
/** False while a story of before is told: what came back then has come back. */
let live = false;

const queue = new Queue(apply, () => {
  timeline.permissions(permissions, task, queue.empty);
  if (queue.empty) live = true;
  drawState();
  scroller.follow();
});

window.addEventListener('message', ({ data }: MessageEvent<ToView>) => {
  switch (data.type) {
    case 'task':
      begin(data.taskId, data.title);
      return;
    case 'events':
      queue.take(data.events);
      return;
    case 'permissions':
      permissions = data.permissions;
      queue.schedule();
      return;
    case 'changes':
      changes.show(data.changes);
      return;
    case 'attachments':
      composer.attachments(data.attachments);
      return;
    case 'facts':
      facts = data.facts;
      useFolders(facts.folders);
      composer.facts(facts);
      header.offers(facts.commands.includes('roo.task.condense'));
      drawWelcome();
      return;
    case 'offers':
      composer.offer(data.query, data.offers);
      return;
    case 'history':
      composer.history(data.prompts);
      return;
    case 'draft':
      composer.draft(data.text);
      return;
    case 'failed':
      if (data.text) composer.giveBack(data.text);
      if (data.instead !== undefined) composer.instead(data.instead);
      queue.after(() => timeline.note('error', data.message, 'failed'));
      return;
    case 'report':
      report(data.report);
      return;
    case 'lost':
      queue.after(() => lost(data.lost));
      return;
    case 'focus':
      composer.focus();
  }
});

// What has a use of its own for the key keeps it from coming here.
document.addEventListener('keydown', ({ key }) => {
  if (key === 'Escape' && (state === 'running' || state === 'waiting')) post({ type: 'cancel' });
});

function begin(taskId: string | null, name: string): void {
  task = taskId;
  live = false;
  queue.clear();
  timeline.clear();
  composer.instead(undefined);
  changes.show([]);
  header.begin(taskId, name);
  scroller.pin();
  state = 'idle';
  drawWelcome();
  queue.schedule();
}

function apply(update: Update, ts: number): void {
  timeline.add(update, ts);
  // A model that writes what cannot be shown yet, or is only slow, is seen to be at work.
  doing.textContent =
    update.sessionUpdate === '_at_work'
      ? `The model is at work · ${update.seconds} s · ${update.tokens ? `${update.tokens} tokens · ${update.tokensPerSecond} a second` : 'still reading'}`
      : WORKING;
  switch (update.sessionUpdate) {
    case 'user_message_chunk':
      if (!header.named && update.content.type === 'text')
        header.name(update.content.text.split('\n', 1)[0] ?? '');
      return;
    case '_state':
      state = update.state;
      return;
    case 'current_mode_update':
      composer.mode(update.currentModeId);
      return;
    case 'usage_update':
      header.usage(update.used, update.size, update.cost.amount);
  }
}

function drawState(): void {
  working.hidden = state !== 'running';
  composer.state({
    running: state === 'running' || state === 'waiting',
    task: task !== null,
    asks: timeline.asks,
    waits: timeline.waiting !== undefined,
  });
}

/** The server ended under what is shown, now or some time ago. */
function lost({ interrupted, restarted = !interrupted }: Lost): void {
  if (interrupted) {
    state = 'idle';
    timeline.add({ sessionUpdate: '_state', state: 'idle' });
  }
  const resume = h('button', { class: 'link', click: () => palette('resume') }, 'Resume');
  timeline.note(
    'debug-restart',
    [
      ...(restarted ? ['roo-lsp ended unexpectedly and was started again.'] : []),
      ...(interrupted ? ['This task was interrupted.'] : []),
    ].join(' '),
    'warning',
    ...(interrupted ? [resume] : []),
  );
}

function report(found: Report | null): void {
  reported.replaceChildren(...(found ? [reportCard(found, palette, () => reported.replaceChildren())] : []));
  scroller.pin();
  scroller.follow();
}

function drawWelcome(): void {
  start.hidden = task !== null;
  if (facts) start.replaceChildren(...welcome(facts, palette));
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

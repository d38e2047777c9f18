// What the view is told in each state that it can be in: for looking at them, and for checking each.
import type { Event, Facts, Option, Permission, ToView, Update } from '../src/shared/protocol';

const FACTS: Facts = {
  ready: true,
  modes: [
    { slug: 'code', name: 'Code' },
    { slug: 'ask', name: 'Ask' },
  ],
  mode: 'code',
  profiles: ['local'],
  profile: '',
  model: 'qwen3-coder-30b',
  endpoint: 'http://127.0.0.1:8080/v1',
  commands: [
    'roo.approval.auto',
    'roo.queue.edit',
    'roo.queue.remove',
    'roo.prompt.enhance',
    'roo.command.list',
    'roo.task.condense',
  ],
  autoApprove: { read: true },
  folders: [{ name: 'shop', path: '/home/me/shop' }],
};
const BEFORE = `def greet(name):\n    return 'hello'\n\n\ndef shout(text):\n    return text\n\n\nprint(greet('you'))\n`;
const AFTER = BEFORE.replace("'hello'", "f'Hello, {name}!'  # by their name").replace(
  'return text',
  'return text.upper()',
);
const APP = '/home/me/shop/app.py';

let seq = 0;
const event = (update: Update, ts = 1_700_000_000): Event => ({ v: 1, taskId: 't1', seq: ++seq, ts, update });
const events = (...updates: Update[]): ToView => ({
  type: 'events',
  events: updates.map((each) => event(each)),
});
const task = (title: string): ToView => ({ type: 'task', taskId: 't1', title });
const you = (text: string, entry?: number): Update => ({
  sessionUpdate: 'user_message_chunk',
  content: { type: 'text', text },
  ...(entry === undefined ? {} : { _meta: { entry } }),
});
const says = (text: string): Update => ({
  sessionUpdate: 'agent_message_chunk',
  content: { type: 'text', text },
});
const state = (now: 'running' | 'waiting' | 'idle'): Update => ({ sessionUpdate: '_state', state: now });

const BEGUN: Update[] = [
  { sessionUpdate: 'current_mode_update', currentModeId: 'code' },
  state('running'),
  you('Greet people by their name, and make shout shout\n\nThe user points at:\nFile: app.py, lines 1 to 6'),
  {
    sessionUpdate: 'agent_thought_chunk',
    content: { type: 'text', text: 'A friendlier greeting is wanted.' },
  },
  says("I'll look at **app.py** first, and at [the tests](tests/test_app.py#L3)."),
  {
    sessionUpdate: 'tool_call',
    toolCallId: 'c1',
    title: 'read_file',
    kind: 'read',
    status: 'pending',
    _meta: { tool: 'read_file' },
  },
  {
    sessionUpdate: 'tool_call_update',
    toolCallId: 'c1',
    status: 'completed',
    title: 'Read app.py',
    locations: [{ path: APP }],
    _meta: { range: { startLine: 1, endLine: 9 } },
  },
  {
    sessionUpdate: 'plan',
    entries: [
      { content: 'Read app.py', status: 'completed' },
      { content: 'Change both functions', status: 'in_progress' },
      { content: 'Try it', status: 'pending' },
    ],
  },
  { sessionUpdate: 'usage_update', used: 7100, size: 128_000, cost: { amount: 0.0123 } },
];
const edit = (id: string, oldText: string, newText: string, path = APP): Update[] => [
  {
    sessionUpdate: 'tool_call',
    toolCallId: id,
    title: 'apply_diff',
    kind: 'edit',
    status: 'pending',
    _meta: { tool: 'apply_diff' },
  },
  {
    sessionUpdate: 'tool_call_update',
    toolCallId: id,
    status: 'pending',
    title: `Edit ${path.replace('/home/me/shop/', '')}`,
    content: [{ type: 'diff', path, oldText, newText }],
    locations: [{ path }],
  },
];
const options = (scope: string): Option[] => [
  { optionId: 'allow_once', name: 'Approve', kind: 'allow_once' },
  { optionId: 'allow_always', name: `Always approve (${scope})`, kind: 'allow_always' },
  { optionId: 'reject_once', name: 'Deny', kind: 'reject_once' },
  { optionId: 'reject_always', name: `Always deny (${scope})`, kind: 'reject_always' },
];
const EDIT_SCOPE = 'edits in this workspace, for this task';
const asked = (id: string, title: string, more: Partial<Permission> = {}): Permission => ({
  requestId: `perm_${id}`,
  taskId: 't1',
  kind: 'permission',
  title,
  detail: [
    { text: title },
    { text: '+2 -2 lines' },
    { text: APP, path: APP },
    { text: 'it edits a file' },
    { text: `Always: ${EDIT_SCOPE}` },
  ],
  toolCall: { toolCallId: id, title, kind: 'edit', locations: [{ path: APP }] },
  options: options(EDIT_SCOPE),
  ...more,
});
const COMMAND: Permission = asked('c3', 'Run python3 app.py', {
  detail: [
    { text: 'python3 app.py' },
    { text: 'in /home/me/shop' },
    { text: 'it runs a command · no sandbox on this machine' },
  ],
  toolCall: { toolCallId: 'c3', title: 'Run python3 app.py', kind: 'execute', locations: [] },
  options: [
    { optionId: 'allow_once', name: 'Approve', kind: 'allow_once' },
    {
      optionId: 'allow_always',
      name: 'Always approve (exactly this command in this folder, for this task)',
      kind: 'allow_always',
    },
    {
      optionId: 'allow_always_prefix',
      name: 'Always approve (all that begin with “python3”, for this task)',
      kind: 'allow_always',
    },
    { optionId: 'reject_once', name: 'Deny', kind: 'reject_once' },
  ],
});
const RUN: Update[] = [
  {
    sessionUpdate: 'tool_call',
    toolCallId: 'c3',
    title: 'execute_command',
    kind: 'execute',
    status: 'pending',
    _meta: { tool: 'execute_command' },
  },
  { sessionUpdate: 'tool_call_update', toolCallId: 'c3', status: 'pending', title: 'Run python3 app.py' },
];
const ELSEWHERE = asked('x9', 'Run rm -r build', { taskId: 't2', task: 'Clean the build folder' });
const TRUST = asked('trust', 'Trust what this workspace brings along?', {
  taskId: null,
  kind: 'trust',
  toolCall: null,
  detail: [
    { text: 'AGENTS.md', path: '/home/me/shop/AGENTS.md' },
    { text: '.roo/rules/style.md', path: '/home/me/shop/.roo/rules/style.md' },
    { text: 'autoApprove.edit: true, from the editor' },
  ],
  options: options('').slice(0, 1).concat(options('').slice(2, 3)),
});
const waits = (...permissions: Permission[]): ToView => ({ type: 'permissions', permissions });
const long = Array.from({ length: 120 }, (_, at) => `value_${at} = ${at}\n`).join('');
const failed = (code: string, message: string): Update => ({
  sessionUpdate: '_state',
  state: 'failed',
  stopReason: 'error',
  error: { code, message, hint: 'See the settings.' },
});

const CALM: ToView[] = [
  { type: 'facts', facts: FACTS },
  waits(),
  { type: 'attachments', attachments: [] },
  { type: 'report', report: null },
  { type: 'draft', text: '' },
];
const EMPTY: ToView = { type: 'task', taskId: null, title: '' };

/** Each begins from nothing. */
export const states: Record<string, ToView[]> = {
  welcome: [...CALM, EMPTY],
  'welcome-nothing-set': [
    ...CALM,
    { type: 'facts', facts: { ...FACTS, endpoint: '', model: '', local: { models: [], problem: 'None.' } } },
    EMPTY,
  ],
  broken: [
    ...CALM,
    { type: 'facts', facts: { ...FACTS, ready: false, problem: 'roo-lsp was not found.' } },
    EMPTY,
  ],
  streaming: [
    ...CALM,
    task('Greet people by their name'),
    events(
      ...BEGUN,
      says(
        'Two places need a change:\n\n1. `greet` ignores its name\n2. `shout` is quiet\n\n```python\ndef greet(name):\n    return f"Hello, {name}!"  # by name\n```\n\nThe rest',
      ),
      {
        sessionUpdate: 'tool_call',
        toolCallId: 'c2',
        title: 'apply_diff',
        kind: 'edit',
        status: 'pending',
        _meta: { tool: 'apply_diff' },
      },
      { sessionUpdate: '_queued', messageId: 'q1', text: 'And add a test for it, please' },
    ),
  ],
  edit: [
    ...CALM,
    task('Greet people by their name'),
    events(...BEGUN, says('Here it is.'), ...edit('c2', BEFORE, AFTER), state('waiting')),
    waits(asked('c2', 'Edit app.py')),
  ],
  'edit-long': [
    ...CALM,
    task('Write the values'),
    events(...BEGUN, ...edit('c2', '', long, '/home/me/shop/values.py'), state('waiting')),
    waits(asked('c2', 'Create values.py')),
  ],
  command: [
    ...CALM,
    task('Greet people by their name'),
    events(...BEGUN, ...RUN, state('waiting')),
    waits(COMMAND),
  ],
  'two-tasks': [
    ...CALM,
    task('Greet people by their name'),
    events(...BEGUN, ...edit('c2', BEFORE, AFTER), state('waiting')),
    waits(ELSEWHERE, asked('c2', 'Edit app.py')),
  ],
  trust: [...CALM, task('Explain this'), events(you('Explain this'), state('waiting')), waits(TRUST)],
  question: [
    ...CALM,
    task('Change the greeting'),
    events(
      ...BEGUN,
      {
        sessionUpdate: '_question',
        requestId: 'q',
        question: 'Which **greeting** should it be?',
        suggestions: ['Good day', 'Hi'],
      },
      state('waiting'),
    ),
  ],
  running: [
    ...CALM,
    task('Try it'),
    events(...BEGUN, ...RUN, {
      sessionUpdate: 'tool_call_update',
      toolCallId: 'c3',
      status: 'in_progress',
      _meta: { output: 'collecting …\ntest_app.py ..F\n' },
    }),
  ],
  done: [
    ...CALM,
    task('Greet people by their name'),
    events(
      ...BEGUN,
      { sessionUpdate: '_checkpoint', checkpointId: 'k1', label: 'Before “Greet people by their name”' },
      ...edit('c2', BEFORE, AFTER),
      { sessionUpdate: 'tool_call_update', toolCallId: 'c2', status: 'completed' },
      ...RUN,
      { sessionUpdate: 'tool_call_update', toolCallId: 'c3', status: 'in_progress' },
      {
        sessionUpdate: 'tool_call_update',
        toolCallId: 'c3',
        status: 'completed',
        rawOutput: 'Traceback',
        _meta: { output: 'Traceback\n', exitCode: 1 },
      },
      { sessionUpdate: '_subtask', taskId: 't7', title: 'Write the tests', state: 'running' },
      says('| name | says |\n|---|---|\n| `greet` | Hello |\n\n> Done.'),
      { sessionUpdate: '_state', state: 'idle', stopReason: 'end_turn' },
    ),
    {
      type: 'changes',
      changes: [{ uri: `file://${APP}`, name: 'app.py', added: 2, removed: 2, pending: 2 }],
    },
    {
      type: 'attachments',
      attachments: [
        { uri: 'file:///a', label: 'app.py:1-6' },
        { uri: 'data:', label: 'image.png', image: true },
      ],
    },
  ],
  'at-work': [
    ...CALM,
    task('Think it over'),
    events(you('Think it over'), state('running'), {
      sessionUpdate: '_at_work',
      seconds: 21,
      tokens: 480,
      tokensPerSecond: 22.9,
    }),
  ],
  rewound: [
    ...CALM,
    task('Say it better'),
    events(
      you('Say it', 0),
      says('It is said.'),
      state('idle'),
      { sessionUpdate: '_rewound', entry: 0 },
      you('Say it better', 3),
      says('It is said better.'),
      state('idle'),
    ),
  ],
  retry: [
    ...CALM,
    task('Say something'),
    events(
      ...BEGUN,
      ...[1, 2, 3].map(
        (attempt): Update => ({
          sessionUpdate: '_retry',
          attempt,
          attempts: 5,
          delay: attempt * 2,
          reason: '503 from the endpoint',
        }),
      ),
    ),
  ],
  error: [
    ...CALM,
    task('Say something'),
    events(
      ...BEGUN,
      failed('invalid_api_key', 'The endpoint refused the key: “Incorrect API key provided”.'),
    ),
  ],
  stopped: [
    ...CALM,
    task('Say something'),
    events(...BEGUN, { sessionUpdate: '_state', state: 'idle', stopReason: 'cancelled' }),
    { type: 'failed', text: 'What I wrote', message: 'roo-lsp is not running.' },
  ],
  lost: [
    ...CALM,
    task('Greet people by their name'),
    events(...BEGUN, ...RUN),
    { type: 'lost', lost: { interrupted: true } },
  ],
  report: [
    ...CALM,
    EMPTY,
    {
      type: 'report',
      report: {
        ok: false,
        endpoint: 'http://127.0.0.1:8080/v1',
        model: 'qwen3',
        checks: [
          { name: 'connect', status: 'ok', message: 'The endpoint answers.' },
          {
            name: 'model',
            status: 'failed',
            message: 'There is no model qwen3.',
            hint: 'Did you mean qwen3-coder?',
          },
          { name: 'stream', status: 'skipped', message: 'Not tried.' },
        ],
      },
    },
  ],
};

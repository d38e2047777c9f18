import type { Facts, Palette, Report } from '../shared/protocol';
import { button, h, icon, iconButton } from './dom';

/** What is seen before a task: what Roo does, with which model, and what is in the way of that. */
export function welcome(facts: Facts, run: (command: Palette) => void): HTMLElement[] {
  if (facts.problem) return broken(facts.problem, run);
  const set = facts.endpoint !== '' || (facts.local?.models.length ?? 0) > 0;
  const buttons: [Palette, string][] = set
    ? [
        ['doctor', 'Test the Endpoint'],
        ['setUp', 'Set Up…'],
        ['openSettings', 'Settings'],
      ]
    : [
        ['setUp', 'Set Up…'],
        ['openSettings', 'Settings'],
      ];
  return [
    h('h1', {}, 'What should Roo do?'),
    h(
      'p',
      {},
      'Roo reads, changes and runs code in this workspace. It asks before it changes or runs something, and you keep or revert each change afterwards.',
    ),
    h('p', { class: 'endpoint' }, endpoint(facts)),
    h(
      'div',
      { class: 'buttons' },
      ...buttons.map(([command, label]) =>
        button(label, command === 'setUp' && !set ? 'primary' : 'secondary', () => run(command)),
      ),
    ),
    h(
      'p',
      { class: 'hint' },
      `Type @ to name a file${facts.commands.includes('roo.command.list') ? ', / for a command' : ''}. Select code and press Ctrl+Alt+R to ask about it.`,
    ),
  ];
}

function endpoint({ ready, endpoint, model, local }: Facts): string {
  if (!ready) return 'roo-lsp starts…';
  if (endpoint) return model ? `${model} at ${endpoint}` : `The model of ${endpoint}`;
  if (!local) return 'Looking for a model server on this machine…';
  if (local.models.length === 0) return 'No endpoint is set, and no model server was found on this machine.';
  return `On this machine: ${model || local.models.join(', ')}`;
}

const broken = (problem: string, run: (command: Palette) => void) => [
  h('h1', {}, 'Roo'),
  h(
    'div',
    { class: 'error', role: 'alert' },
    h('div', { class: 'error-title' }, icon('error'), ' The server is not running'),
    h('div', { class: 'hint' }, problem),
    h(
      'div',
      { class: 'buttons' },
      button('Start Again', 'primary', () => run('restart')),
      button('Settings', 'secondary', () => run('openSettings')),
      button('Show Log', 'secondary', () => run('showLog')),
    ),
  ),
];

const MARKS = { ok: 'pass-filled', failed: 'error', skipped: 'circle-slash' };

/** The endpoint test: each check, what it found, and what to do. */
export function reportCard(report: Report, run: (command: Palette) => void, close: () => void): HTMLElement {
  const verdict =
    report.checks.length === 0 ? 'Testing…' : report.ok ? 'A task can run' : 'A task cannot run yet';
  return h(
    'section',
    { class: 'report', 'aria-label': 'Endpoint test' },
    h(
      'div',
      { class: 'card-title' },
      report.checks.length === 0 ? icon('loading', true) : icon(report.ok ? 'pass-filled' : 'error'),
      h('span', { class: 'grow' }, verdict),
      iconButton('close', 'Close the report', close),
    ),
    h('div', { class: 'hint' }, [report.model, report.endpoint].filter(Boolean).join(' at ')),
    h(
      'ul',
      {},
      ...report.checks.map((check) =>
        h(
          'li',
          { class: check.status },
          icon(MARKS[check.status] ?? 'circle-slash'),
          h(
            'span',
            {},
            h('strong', {}, check.name.replace(/_/g, ' ')),
            ` ${check.message}`,
            check.hint !== undefined && check.hint !== '' && h('div', { class: 'hint' }, check.hint),
          ),
        ),
      ),
    ),
    report.checks.some((check) => check.status === 'failed') &&
      h(
        'div',
        { class: 'buttons' },
        button('Test Again', 'primary', () => run('doctor')),
        button('Set Up…', 'secondary', () => run('setUp')),
        button('Settings', 'secondary', () => run('openSettings')),
      ),
  );
}

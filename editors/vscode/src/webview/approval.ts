import type { Line, Option, Permission } from '../shared/protocol';
import { button, h, icon, linkButton } from './dom';
import { shown } from './places';

/** What a person does with what waits. */
export interface Decisions {
  respond: (requestId: string, decision: string, feedback: string) => void;
  answer: (requestId: string, text: string) => void;
  open: (path: string, line?: number) => void;
  show: (taskId: string) => void;
}

const COMMON = ['allow_once', 'reject_once', 'allow_always'];

/** What an approval says below its title, and its buttons; what the title or a diff has said is left out. */
export function approval(asked: Permission, decisions: Decisions, hasDiff: boolean): HTMLElement {
  const feedback = h('input', {
    class: 'feedback',
    placeholder: 'A word to Roo (optional)',
    'aria-label': 'A word to Roo',
  });
  const decide = (option: Option) => () =>
    decisions.respond(asked.requestId, option.optionId, feedback.value.trim());
  const of = (kind: string) => asked.options.filter((option) => option.kind === kind);
  const rare = asked.options.filter((option) => !COMMON.includes(option.kind));
  return h(
    'div',
    { class: 'approval', 'data-request': asked.requestId },
    detail(asked, decisions, hasDiff),
    asked.kind === 'permission' && feedback,
    h(
      'div',
      { class: 'buttons' },
      ...of('allow_once').map((option) => button(option.name, 'primary', decide(option))),
      ...of('reject_once').map((option) => button(option.name, 'secondary', decide(option))),
      rare.length > 0 &&
        h(
          'details',
          { class: 'rare' },
          h('summary', { title: 'More answers', 'aria-label': 'More answers' }, icon('ellipsis')),
          ...rare.map((option) => button(words(option), 'secondary', decide(option))),
        ),
      ...of('allow_always').map((option) => button(words(option), 'secondary', decide(option))),
    ),
  );
}

/** What stands on the button: an *Always* names its reach on a line of its own. */
function words(option: Option): string | Node {
  const found = /^(.*?) \((.*)\)$/s.exec(option.name);
  if (!found) return option.name;
  return h('span', { class: 'reach' }, h('span', {}, found[1] ?? ''), h('small', {}, found[2] ?? ''));
}

function detail(asked: Permission, decisions: Decisions, hasDiff: boolean): HTMLElement | false {
  const command = asked.toolCall?.kind === 'execute';
  const said = (line: Line) =>
    line.text === asked.title ||
    (command && asked.title === `Run ${line.text}`) ||
    line.text.startsWith('Always: ') ||
    (hasDiff &&
      (/^\+\d+ -\d+ lines$/.test(line.text) ||
        (line.path !== undefined && asked.title.includes(shown(line.path)))));
  const lines = asked.detail.filter((line) => !said(line));
  if (lines.length === 0) return false;
  return h(
    'div',
    { class: command ? 'detail command' : 'detail' },
    ...lines.map((line) => h('div', {}, line.path ? place(line, line.path, decisions) : line.text)),
  );
}

const place = (line: Line, path: string, decisions: Decisions) =>
  linkButton(line.text, () => decisions.open(path));

/** An approval that belongs to no row of the story. */
export function approvalCard(asked: Permission, decisions: Decisions): HTMLElement {
  return h(
    'div',
    { class: `card permission ${asked.kind}`, role: 'group', 'aria-label': `Approval: ${asked.title}` },
    h(
      'div',
      { class: 'card-title' },
      icon(asked.kind === 'trust' ? 'shield' : 'bell-dot'),
      h('span', {}, asked.title),
    ),
    approval(asked, decisions, false),
  );
}

/** What waits in another task: whose it is, and the way there. Nothing is decided from here. */
export function elsewhere(asked: Permission, decisions: Decisions): HTMLElement {
  return h(
    'div',
    { class: 'elsewhere', role: 'group', 'aria-label': `Another task waits: ${asked.task ?? ''}` },
    h(
      'details',
      {},
      h(
        'summary',
        {},
        icon('bell-dot'),
        h('span', { class: 'grow' }, h('strong', {}, asked.task || 'Another task'), ' waits for you'),
      ),
      h('div', { class: 'detail' }, asked.title),
    ),
    button('Go to it', 'secondary', () => decisions.show(asked.taskId ?? '')),
  );
}

import type { Changed, Permission } from '../shared/protocol';
import { diffView } from './diff';
import { button, h, icon, iconButton, plural } from './dom';
import { type Follow, markdown } from './markdown';
import { baseName, type Timeline } from './timeline';

interface Question {
  requestId: string;
  question: string;
  suggestions: string[];
}

export interface Decisions {
  respond: (requestId: string, decision: string, feedback: string) => void;
  answer: (requestId: string, text: string) => void;
  diff: (toolCallId: string, diff: { path: string; oldText: string | null; newText: string }) => void;
  open: (path: string) => void;
  review: (what: 'review' | 'keepAll' | 'revertAll') => void;
  follow: Follow;
}

/** What waits for the user, above the place where they write: approvals, questions, changes to look at. */
export class Waiting {
  readonly element = h('div', { class: 'waiting-area' });
  private readonly cards = h('div', { class: 'cards' });
  private readonly changes = h('div', { class: 'changes', hidden: true });
  private readonly questions = new Map<string, Question>();
  private readonly drawn = new Map<string, HTMLElement>();

  constructor(
    private readonly timeline: Timeline,
    private readonly decisions: Decisions,
  ) {
    this.element.append(this.cards, this.changes);
  }

  clear(): void {
    this.questions.clear();
    for (const [id, card] of this.drawn) if (card.classList.contains('question')) this.remove(id);
    this.changes.hidden = true;
  }

  /** Draw the approvals that wait; those that stay keep what was typed into them. */
  permissions(pending: Permission[], taskId: string | null): void {
    const wanted = new Set(pending.map((each) => each.requestId));
    for (const [id, card] of this.drawn)
      if (!wanted.has(id) && card.classList.contains('permission')) this.remove(id);
    for (const each of pending) {
      if (this.drawn.has(each.requestId)) continue;
      this.put(each.requestId, this.permission(each, each.taskId !== null && each.taskId !== taskId));
    }
  }

  ask(question: Question): void {
    this.put(question.requestId, this.question(question));
  }

  answered(requestId: string): void {
    this.remove(requestId);
  }

  show(changed: Changed[]): void {
    this.changes.hidden = changed.length === 0;
    const sum = (name: 'added' | 'removed') => changed.reduce((total, each) => total + each[name], 0);
    this.changes.replaceChildren(
      h(
        'div',
        { class: 'changes-head' },
        h(
          'span',
          { class: 'grow' },
          icon('diff-multiple'),
          ` ${plural(changed.length, 'file')} `,
          h('span', { class: 'added' }, `+${sum('added')}`),
          ' ',
          h('span', { class: 'removed' }, `−${sum('removed')}`),
        ),
        button(
          'Review',
          'secondary',
          () => this.decisions.review('review'),
          'Look at the changes of this task in the diff editor',
        ),
        iconButton('check-all', 'Keep all changes', () => this.decisions.review('keepAll')),
        iconButton('discard', 'Revert all changes…', () => this.decisions.review('revertAll')),
      ),
      h(
        'div',
        { class: 'files' },
        ...changed.map((each) =>
          h(
            'button',
            { class: 'file', title: each.name, click: () => this.decisions.open(each.uri) },
            icon('file'),
            h('span', { class: 'grow' }, each.name),
            h('span', { class: 'added' }, `+${each.added}`),
            h('span', { class: 'removed' }, `−${each.removed}`),
          ),
        ),
      ),
    );
  }

  // --- cards --------------------------------------------------------------------------------------

  private permission(asked: Permission, elsewhere: boolean): HTMLElement {
    const diffs = asked.toolCall?.toolCallId ? this.timeline.diffsOf(asked.toolCall.toolCallId) : [];
    const command = asked.toolCall?.kind === 'execute';
    const detail = asked.detail.filter(
      (line) =>
        line !== asked.title &&
        !line.startsWith('Always: ') &&
        !(diffs.length > 0 && /^\+\d+ -\d+ lines$/.test(line)),
    );
    const feedback = h('input', {
      class: 'feedback',
      placeholder: 'A word to Roo (optional)',
      'aria-label': 'Feedback',
    });
    const decide = (decision: string) =>
      this.decisions.respond(asked.requestId, decision, feedback.value.trim());
    const sorted = ['allow_once', 'allow_always', 'reject_once', 'reject_always'].flatMap((kind) =>
      asked.options.filter((option) => option.kind === kind),
    );
    return h(
      'div',
      { class: `card permission ${asked.kind}`, role: 'group', 'aria-label': `Approval: ${asked.title}` },
      h(
        'div',
        { class: 'card-title' },
        icon(asked.kind === 'trust' ? 'shield' : 'bell-dot'),
        h('span', {}, asked.title),
      ),
      elsewhere && h('div', { class: 'hint' }, 'In another task.'),
      h(
        'div',
        { class: 'payload' },
        ...diffs.map((diff) =>
          h(
            'div',
            { class: 'diff-box' },
            h(
              'div',
              { class: 'code-head' },
              h('span', {}, baseName(diff.path)),
              h(
                'button',
                { class: 'link', click: () => this.decisions.diff(asked.toolCall?.toolCallId ?? '', diff) },
                'Show diff',
              ),
            ),
            diffView(diff.oldText ?? '', diff.newText).element,
          ),
        ),
        detail.length > 0 && h('pre', { class: command ? 'detail command' : 'detail' }, detail.join('\n')),
      ),
      asked.kind === 'permission' && feedback,
      h(
        'div',
        { class: 'buttons' },
        ...sorted.map((option) =>
          button(
            shortName(option),
            option.kind === 'allow_once' ? 'primary' : 'secondary',
            () => decide(option.optionId),
            option.name,
          ),
        ),
      ),
    );
  }

  private question({ requestId, question, suggestions }: Question): HTMLElement {
    return h(
      'div',
      { class: 'card question', role: 'group', 'aria-label': 'Roo asks' },
      h('div', { class: 'card-title' }, icon('question'), h('span', {}, 'Roo asks')),
      markdown(question, this.decisions.follow),
      h(
        'div',
        { class: 'buttons column' },
        ...suggestions.map((each) => button(each, 'secondary', () => this.decisions.answer(requestId, each))),
      ),
      h('div', { class: 'hint' }, 'Or write your answer below.'),
    );
  }

  private put(id: string, card: HTMLElement): void {
    this.remove(id);
    this.drawn.set(id, card);
    this.cards.append(card);
  }

  private remove(id: string): void {
    this.drawn.get(id)?.remove();
    this.drawn.delete(id);
  }
}

/** What stands on the button; the whole name, with what an *Always* is about, is its tooltip. */
const shortName = (option: { name: string; kind: string }) => option.name.replace(/ \(.*\)$/s, '');

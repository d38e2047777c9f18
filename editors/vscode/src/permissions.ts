import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import type { Event, Line, Permission } from './shared/protocol';
import { Toasts } from './toasts';

interface Answer {
  optionId: string;
  feedback?: string;
}

/** What the server says of something that waits. */
type Given = Omit<Permission, 'detail' | 'kind'> & {
  kind: 'permission' | 'trust' | 'question';
  detail: string[];
  suggestions?: string[];
};

interface Asked {
  permission: Permission;
  settle: (answer: Answer | null) => void;
}

interface Question {
  text: string;
  suggestions: string[];
}

export interface Answers {
  /** Whether the user sees the view. */
  seen: () => boolean;
  /** Show the view, and in it a task. */
  show: (taskId: string | null) => void;
  /** Decide what no request of the server waits for. */
  respond: (requestId: string, decision: string, feedback: string) => void;
  answer: (requestId: string, text: string) => void;
}

const REVIEW = 'Review…';
const TOAST_LINES = 4;

/** What waits for the user, decisions and questions: in the view, and as notifications while nobody sees it. */
export class Permissions implements vscode.Disposable {
  private readonly asked = new Map<string, Asked>();
  private readonly questions = new Map<string, Question & { taskId: string }>();
  private readonly toasts = new Toasts();
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;

  constructor(private readonly answers: Answers) {}

  get pending(): Permission[] {
    return [...this.asked.values()].map((each) => each.permission);
  }

  /** How much waits, questions too. */
  get count(): number {
    return this.asked.size + this.questions.size;
  }

  /** Answer `roo/requestPermission`. */
  equip(client: LanguageClient): void {
    this.clear();
    client.onRequest('roo/requestPermission', (given: Given, token: vscode.CancellationToken) =>
      this.ask(given, token),
    );
  }

  /** What a server that has just come has on its list: it was asked before, by another one perhaps. */
  listed(entries: Given[]): void {
    for (const entry of entries) {
      const { requestId } = entry;
      if (entry.kind === 'question') {
        const { taskId, detail, suggestions } = entry;
        this.questions.set(requestId, {
          taskId: taskId ?? '',
          text: detail.join('\n'),
          suggestions: suggestions ?? [],
        });
        this.told(requestId);
        continue;
      }
      if (this.asked.has(requestId)) continue;
      this.put(entry, (answer) => {
        if (answer) this.answers.respond(requestId, answer.optionId, answer.feedback ?? '');
      });
    }
  }

  /** An event of any task: questions come and go, and what is settled anywhere is. */
  take({ taskId, update }: Event): void {
    if (update.sessionUpdate === '_question') {
      const { requestId, question, suggestions } = update;
      if (question === undefined) this.questions.delete(requestId);
      else this.questions.set(requestId, { taskId, text: question, suggestions: suggestions ?? [] });
      this.told(requestId);
    } else if (update.sessionUpdate === '_permission' && update.outcome) {
      if (this.asked.delete(update.requestId)) this.told(update.requestId);
    }
  }

  /** The user's decision; false when it was settled before. */
  decide(requestId: string, optionId: string, feedback = ''): boolean {
    const asked = this.asked.get(requestId);
    if (!asked?.permission.options.some((option) => option.optionId === optionId)) return false;
    asked.settle(feedback ? { optionId, feedback } : { optionId });
    return true;
  }

  /** No server, no questions. */
  clear(): void {
    for (const { settle } of [...this.asked.values()]) settle(null);
    this.questions.clear();
    this.toasts.endAll();
    this.changed.fire();
  }

  /** The view is seen, or not any more: what waits is in it, or in notifications. */
  notify(): void {
    if (this.answers.seen()) {
      this.toasts.endAll();
      return;
    }
    for (const { permission } of this.asked.values()) this.toast(permission);
    for (const [requestId, { taskId, text, suggestions }] of this.questions) {
      const few = suggestions.slice(0, 3);
      this.toasts.ask(requestId, `Roo asks: ${text}`, [REVIEW, ...few], (index) => {
        if (index === 0) this.answers.show(taskId);
        else this.answers.answer(requestId, few[index - 1] ?? '');
      });
    }
  }

  dispose(): void {
    this.clear();
    this.toasts.dispose();
    this.changed.dispose();
  }

  private toast(permission: Permission): void {
    const { requestId, taskId } = permission;
    const offered = ['allow_once', 'reject_once'].flatMap((kind) =>
      permission.options.filter((option) => option.kind === kind),
    );
    const more = permission.detail.map((line) => line.text).filter((line) => line !== permission.title);
    const text = [`Roo: ${permission.title}?`, ...more].slice(0, TOAST_LINES).join(' · ');
    this.toasts.ask(requestId, text, [REVIEW, ...offered.map((option) => option.name)], (index) => {
      const option = offered[index - 1];
      if (!option) this.answers.show(taskId);
      else if (!this.decide(requestId, option.optionId))
        void vscode.window.showInformationMessage('Roo: that was settled already; nothing changed.');
    });
  }

  private ask(given: Given, token: vscode.CancellationToken): Promise<Answer | null> {
    return new Promise((resolve) => {
      // Settled another way, or the task was cancelled.
      const withdrawn = token.onCancellationRequested(() => this.asked.get(given.requestId)?.settle(null));
      this.put(given, (answer) => {
        withdrawn.dispose();
        resolve(answer);
      });
    });
  }

  private put(given: Given, settle: (answer: Answer | null) => void): void {
    const { requestId } = given;
    this.asked.set(requestId, {
      permission: readable(given),
      settle: (answer) => {
        if (this.asked.delete(requestId)) this.told(requestId);
        settle(answer);
      },
    });
    this.told(requestId);
  }

  private told(requestId: string): void {
    if (!this.asked.has(requestId) && !this.questions.has(requestId)) this.toasts.end(requestId);
    this.changed.fire();
    if (!this.answers.seen()) this.notify();
  }
}

/** Files of the workspace by their names in it, to be looked at; a command is shown as it is. */
function readable(given: Given): Permission {
  const places = new Set(given.toolCall?.locations.map((each) => each.path));
  const line = (text: string): Line => {
    if (places.has(text)) return { text: vscode.workspace.asRelativePath(text), path: text };
    // An instruction file that would be trusted: its text, not its size, is what one decides about.
    const file = given.kind === 'trust' ? /^(?:(.+): )?([^:]+): \d+ bytes$/.exec(text) : null;
    const folder = file?.[1] ?? vscode.workspace.workspaceFolders?.[0]?.uri.path;
    return file?.[2] && folder ? { text: file[2], path: `${folder}/${file[2]}` } : { text };
  };
  return { ...given, kind: given.kind === 'trust' ? 'trust' : 'permission', detail: given.detail.map(line) };
}

import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import type { Permission } from './shared/protocol';

interface Answer {
  optionId: string;
  feedback?: string;
}

interface Asked {
  permission: Permission;
  notified: boolean;
  settle: (answer: Answer | null) => void;
}

const REVIEW = 'Review…';

/** What waits for the user's consent: in the view, and as a notification while nobody sees the view. */
export class Permissions implements vscode.Disposable {
  private readonly asked = new Map<string, Asked>();
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;

  constructor(
    /** Whether the user sees the view. */
    private readonly seen: () => boolean,
    private readonly show: () => void,
  ) {}

  get pending(): Permission[] {
    return [...this.asked.values()].map((each) => each.permission);
  }

  /** Answer `roo/requestPermission`. */
  equip(client: LanguageClient): void {
    this.clear();
    client.onRequest('roo/requestPermission', (permission: Permission, token: vscode.CancellationToken) =>
      this.ask(permission, token),
    );
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
  }

  /** Tell of what waits by notifications, each once: nobody sees the view. */
  notify(): void {
    for (const asked of this.asked.values()) {
      if (!asked.notified) this.tell(asked.permission);
      asked.notified = true;
    }
  }

  private tell(permission: Permission): void {
    const offered = ['allow_once', 'reject_once']
      .map((id) => permission.options.find((option) => option.optionId === id))
      .filter((option) => option !== undefined);
    const text = [
      `Roo: ${permission.title}?`,
      ...permission.detail.filter((line) => line !== permission.title),
    ];
    void vscode.window
      .showWarningMessage(text.slice(0, 6).join(' · '), REVIEW, ...offered.map((option) => option.name))
      .then((name) => {
        if (name === REVIEW) this.show();
        const option = offered.find((each) => each.name === name);
        if (option && !this.decide(permission.requestId, option.optionId)) {
          void vscode.window.showInformationMessage('Roo: that was settled already; nothing changed.');
        }
      });
  }

  dispose(): void {
    this.clear();
    this.changed.dispose();
  }

  private ask(permission: Permission, token: vscode.CancellationToken): Promise<Answer | null> {
    return new Promise((resolve) => {
      const settle = (answer: Answer | null) => {
        withdrawn.dispose();
        if (this.asked.delete(permission.requestId)) this.changed.fire();
        resolve(answer);
      };
      // Settled another way, or the task was cancelled.
      const withdrawn = token.onCancellationRequested(() => settle(null));
      this.asked.set(permission.requestId, { permission: readable(permission), notified: false, settle });
      this.changed.fire();
      if (!this.seen()) this.notify();
    });
  }
}

/** Files of the workspace by their names in it; a command is shown as it is. */
function readable(permission: Permission): Permission {
  const places = new Set(permission.toolCall?.locations.map((each) => each.path));
  const detail = permission.detail.map((line) =>
    places.has(line) ? vscode.workspace.asRelativePath(line, false) : line,
  );
  return { ...permission, detail };
}

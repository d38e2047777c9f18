import * as vscode from 'vscode';

/** Words of others never make a link: `[…](…)` is one in a notification. */
export const plain = (text: string) => text.replaceAll('](', '] (');

interface Toast {
  answer: (index: number) => void;
  end: () => void;
}

/** Notifications with answers that go away when what they ask is settled elsewhere. */
export class Toasts implements vscode.Disposable {
  private readonly open = new Map<string, Toast>();
  private readonly registered = vscode.commands.registerCommand(
    'rooLsp.answerToast',
    (id: string, index: number) => this.open.get(id)?.answer(index),
  );

  /** Ask, unless it is asked; `answered` gets the place of the answer that was picked. */
  ask(id: string, text: string, answers: string[], answered: (index: number) => void): void {
    if (this.open.has(id)) return;
    const links = answers.map((answer, index) => {
      const given = encodeURIComponent(JSON.stringify([id, index]));
      return `[${answer.replace(/[[\]]/g, ' ')}](command:rooLsp.answerToast?${given})`;
    });
    const options = { location: vscode.ProgressLocation.Notification, title: plain(text) };
    void vscode.window.withProgress(options, (progress) => {
      progress.report({ message: links.join(' · ') });
      return new Promise<void>((resolve) => {
        const end = () => {
          this.open.delete(id);
          resolve();
        };
        this.open.set(id, {
          end,
          answer: (index) => {
            end();
            answered(index);
          },
        });
      });
    });
  }

  /** It is settled. */
  end(id: string): void {
    this.open.get(id)?.end();
  }

  /** The user sees all of them in the view. */
  endAll(): void {
    for (const { end } of [...this.open.values()]) end();
  }

  dispose(): void {
    this.endAll();
    this.registered.dispose();
  }
}

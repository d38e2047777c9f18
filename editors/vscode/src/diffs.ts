import * as vscode from 'vscode';
import type { Server } from './server';
import { withoutHunks } from './shared/lines';
import type { Changed } from './shared/protocol';

const SCHEME = 'roo-text';
/** Texts that are kept for open diffs. */
const MOST = 100;

interface Hunk {
  id: string;
  range: { start: vscode.Position; end: vscode.Position };
  before: string;
  after: string;
  state: string;
}

type Changes = { uri: string; hunks: Hunk[] }[];

/** Diff views of what Roo wants to change and of what it changed. */
export class Diffs implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly registered = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  private count = 0;

  constructor(private readonly server: Server) {}

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.query) ?? '';
  }

  /** One file before and after. */
  async show(path: string, before: string, after: string): Promise<void> {
    const name = path.slice(path.lastIndexOf('/') + 1);
    await vscode.commands.executeCommand(
      'vscode.diff',
      this.document(path, before),
      this.document(path, after),
      `${name} (Roo's change)`,
      { preview: true },
    );
  }

  /** What the task changed and nobody has reviewed, all files in one view. */
  async review(taskId: string): Promise<void> {
    const files = await this.files(taskId);
    if (files.length === 0) {
      void vscode.window.showInformationMessage('Roo: nothing is left to review.');
      return;
    }
    const resources = files.map(({ uri, before }): [vscode.Uri, vscode.Uri, vscode.Uri] => [
      uri,
      this.document(uri.path, before),
      uri,
    ]);
    const [first] = resources;
    if (resources.length === 1 && first) {
      const name = first[0].path.slice(first[0].path.lastIndexOf('/') + 1);
      await vscode.commands.executeCommand('vscode.diff', first[1], first[2], `${name} (changed by Roo)`);
    } else {
      await vscode.commands.executeCommand('vscode.changes', 'Changed by Roo', resources);
    }
  }

  /** The files with changes that nobody has reviewed, and each as it would be without them. */
  async files(taskId: string): Promise<{ uri: vscode.Uri; before: string }[]> {
    const changes = open(await this.server.execute<Changes>('roo.changes.list', { taskId }));
    return Promise.all(
      changes.map(async ({ uri, hunks }) => {
        const file = vscode.Uri.parse(uri);
        return { uri: file, before: withoutHunks(await textOf(file), hunks) };
      }),
    );
  }

  /** The files that the task changed, for the view. */
  async changed(taskId: string): Promise<Changed[]> {
    const changes = open(await this.server.execute<Changes>('roo.changes.list', { taskId }));
    return changes.map(({ uri, hunks }) => ({
      uri,
      name: vscode.workspace.asRelativePath(vscode.Uri.parse(uri)),
      added: sum(hunks.map((hunk) => lines(hunk.after))),
      removed: sum(hunks.map((hunk) => lines(hunk.before))),
      pending: hunks.length,
    }));
  }

  dispose(): void {
    this.registered.dispose();
  }

  private document(path: string, text: string): vscode.Uri {
    const query = String(++this.count);
    this.texts.set(query, text);
    const [oldest] = this.texts.keys();
    if (this.texts.size > MOST && oldest !== undefined) this.texts.delete(oldest);
    return vscode.Uri.from({ scheme: SCHEME, path: path.startsWith('/') ? path : `/${path}`, query });
  }
}

const open = (changes: Changes): Changes =>
  changes
    .map(({ uri, hunks }) => ({
      uri,
      hunks: hunks.filter((hunk) => hunk.state === 'pending' || hunk.state === 'edited'),
    }))
    .filter(({ hunks }) => hunks.length > 0);

/** The text as the editor has it; nothing for a file that is gone. */
async function textOf(uri: vscode.Uri): Promise<string> {
  try {
    return (await vscode.workspace.openTextDocument(uri)).getText();
  } catch {
    return '';
  }
}

const lines = (text: string) => (text.match(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g) ?? []).length;
const sum = (numbers: number[]) => numbers.reduce((total, each) => total + each, 0);

import * as vscode from 'vscode';
import type { Diffs } from './diffs';

const SCHEME = 'roo-before';

/**
 * What Roo changed and nobody has looked at, as VS Code shows changes: marks in the gutter that show the lines of
 * before, *Go to Next Change*, and a list in Source Control. It is there as long as there is something to review.
 */
export class Review
  implements vscode.TextDocumentContentProvider, vscode.QuickDiffProvider, vscode.Disposable
{
  private control: vscode.SourceControl | undefined;
  private group: vscode.SourceControlResourceGroup | undefined;
  private before = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly registered = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);

  constructor(private readonly diffs: Diffs) {}

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.before.get(uri.path) ?? '';
  }

  provideOriginalResource(uri: vscode.Uri): vscode.Uri | undefined {
    return this.before.has(uri.path) ? beforeOf(uri) : undefined;
  }

  /** The changes of a task are others, or another task is shown. */
  async update(taskId: string | undefined): Promise<void> {
    const files = taskId ? await this.diffs.files(taskId) : [];
    const known = this.before;
    this.before = new Map(files.map(({ uri, before }) => [uri.path, before]));
    if (files.length === 0) {
      this.end();
      return;
    }
    if (!this.control) {
      this.control = vscode.scm.createSourceControl('roo', 'Roo');
      this.control.inputBox.visible = false;
      this.control.quickDiffProvider = this;
      this.group = this.control.createResourceGroup('changes', 'Changed by Roo');
    }
    if (this.group) this.group.resourceStates = files.map(({ uri }) => this.resource(uri));
    this.control.count = files.length;
    for (const { uri, before } of files) if (known.get(uri.path) !== before) this.changed.fire(beforeOf(uri));
  }

  dispose(): void {
    this.end();
    this.registered.dispose();
    this.changed.dispose();
  }

  private end(): void {
    this.control?.dispose();
    this.control = this.group = undefined;
  }

  private resource(uri: vscode.Uri): vscode.SourceControlResourceState {
    const name = uri.path.slice(uri.path.lastIndexOf('/') + 1);
    return {
      resourceUri: uri,
      command: {
        command: 'vscode.diff',
        title: 'Show the change',
        arguments: [beforeOf(uri), uri, `${name} (changed by Roo)`],
      },
    };
  }
}

const beforeOf = (uri: vscode.Uri) => vscode.Uri.from({ scheme: SCHEME, path: uri.path });

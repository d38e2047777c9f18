import { isAbsolute } from 'node:path';
import * as vscode from 'vscode';

/** Show a file that a task, the model or the server names: by URI, by path, or below a workspace folder. */
export async function openFile(path: string, line?: number): Promise<void> {
  const at = new vscode.Position(Math.max(0, (line ?? 1) - 1), 0);
  for (const uri of candidates(path)) {
    try {
      await vscode.window.showTextDocument(uri, {
        preview: true,
        ...(line ? { selection: new vscode.Range(at, at) } : {}),
      });
      return;
    } catch {
      // In another folder, perhaps.
    }
  }
  void vscode.window.showInformationMessage(`Roo: ${path} is not there.`);
}

/** With several folders a path may begin with the name of one. */
function candidates(path: string): vscode.Uri[] {
  if (path.startsWith('file:')) return [vscode.Uri.parse(path)];
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (isAbsolute(path) || folders.length === 0) return [vscode.Uri.file(path)];
  const named = folders
    .filter((folder) => path.startsWith(`${folder.name}/`))
    .map((folder) => vscode.Uri.joinPath(folder.uri, path.slice(folder.name.length + 1)));
  return [...named, ...folders.map((folder) => vscode.Uri.joinPath(folder.uri, path))];
}

/** Only addresses of the web; VS Code asks before it leaves for a domain that is not trusted. */
export async function openLink(href: string): Promise<void> {
  if (/^https?:\/\//i.test(href)) await vscode.env.openExternal(vscode.Uri.parse(href, true));
}

/** The editor that was used last, though the view has the focus. */
function lastEditor(): vscode.TextEditor | undefined {
  return vscode.window.activeTextEditor ?? vscode.window.visibleTextEditors[0];
}

/** Put code of an answer at the cursor, or in the place of what is selected. */
export async function useCode(what: 'insert' | 'apply', text: string): Promise<void> {
  const editor = lastEditor();
  if (!editor) {
    void vscode.window.showInformationMessage('Roo: open the file first that the code is for.');
  } else if (what === 'apply' && editor.selection.isEmpty) {
    void vscode.window.showInformationMessage('Roo: select first what the code replaces.');
  } else {
    const { selection } = editor;
    await editor.edit((edit) =>
      edit.replace(what === 'apply' ? selection : new vscode.Range(selection.active, selection.active), text),
    );
    await vscode.window.showTextDocument(editor.document, editor.viewColumn);
  }
}

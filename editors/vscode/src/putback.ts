import * as vscode from 'vscode';
import { plain } from './toasts';

/** What became of files that went back to an earlier state. */
export interface PutBack {
  restored: string[];
  /** Put back in the editor, but not on disk. */
  unsaved: string[];
  left: { uri: string; reason: string }[];
}

/** Say it, and offer to save what is not on disk. */
export function told({ restored, unsaved, left }: PutBack): void {
  const name = (uri: string) => vscode.workspace.asRelativePath(vscode.Uri.parse(uri));
  const said = [
    `Roo: ${restored.length} file${restored.length === 1 ? '' : 's'} put back.`,
    ...(unsaved.length > 0 ? [`Not on disk before you save: ${unsaved.map(name).join(', ')}.`] : []),
    ...(left.length > 0
      ? [`Left as they are: ${left.map((each) => `${name(each.uri)}: ${each.reason}`).join('; ')}`]
      : []),
  ];
  // Who asked is not kept waiting: the answer may come whenever.
  void vscode.window
    .showInformationMessage(plain(said.join(' ')), ...(unsaved.length > 0 ? ['Save'] : []))
    .then(async (answer) => {
      if (answer === 'Save') for (const uri of unsaved) await vscode.workspace.save(vscode.Uri.parse(uri));
    });
}

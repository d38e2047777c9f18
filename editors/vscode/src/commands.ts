import * as vscode from 'vscode';
import type { Controller } from './controller';
import type { Diffs } from './diffs';
import type { Knowledge } from './facts';
import type { Permissions } from './permissions';
import { type PutBack, told } from './putback';
import type { Server } from './server';
import { setUpCommands } from './setup';
import type { Permission } from './shared/protocol';
import { firstLine, type Summary, type Tasks } from './tasks';
import { age } from './tree';
import type { View } from './view';
import type { Words } from './words';

export interface Parts {
  context: vscode.ExtensionContext;
  server: Server;
  tasks: Tasks;
  permissions: Permissions;
  diffs: Diffs;
  controller: Controller;
  knowledge: Knowledge;
  words: Words;
  view: View;
  log: vscode.LogOutputChannel;
  /** Has the list of tasks drawn anew. */
  refresh: () => void;
}

/** Everything in the palette, the menus and the keybindings; `roo.*` are the server's own. */
export function registerCommands(parts: Parts): void {
  const all = {
    ...taskCommands(parts),
    ...editorCommands(parts),
    ...approvalCommands(parts),
    ...reviewCommands(parts),
    ...setUpCommands(parts),
  };
  for (const [name, handler] of Object.entries(all)) {
    parts.context.subscriptions.push(vscode.commands.registerCommand(`rooLsp.${name}`, handler));
  }
}

export type Handlers = Record<string, (...given: never[]) => unknown>;

function taskCommands({ server, tasks, controller, view, refresh }: Parts): Handlers {
  const idOf = (task?: Summary) => task?.taskId ?? tasks.current?.taskId;
  return {
    start: async () => {
      const prompt = await ask('What should Roo do?');
      if (!prompt) return;
      tasks.leave();
      await show();
      await controller.send(prompt);
    },
    send: async () => {
      const text = await ask('A follow-up, or the answer to a question');
      if (text) await controller.send(text);
    },
    cancel: () => controller.cancel(),
    newTask: async () => {
      tasks.leave();
      await show();
      view.post({ type: 'focus' });
    },
    show: async () => {
      await show();
      view.post({ type: 'focus' });
    },
    history: () => controller.tried(() => history(tasks)),
    condense: () =>
      controller.tried(() => server.execute('roo.task.condense', { taskId: tasks.current?.taskId })),
    resume: () =>
      controller.tried(() => server.execute('roo.task.resume', { taskId: tasks.current?.taskId })),
    checkpoint: (what: string, checkpointId: string, label: string) =>
      controller.tried(() => checkpoint(server, tasks.current?.taskId, what, checkpointId, label)),
    openTask: async (task: Summary) => {
      tasks.show(task.taskId, task.title);
      await show();
    },
    openTranscript: (task?: Summary) =>
      controller.tried(() => server.execute('roo.task.open', { taskId: idOf(task) })),
    resumeTask: async (task: Summary) => {
      tasks.show(task.taskId, task.title);
      await show();
      await controller.tried(() => server.execute('roo.task.resume', { taskId: task.taskId }));
    },
    exportTask: (task?: Summary) => controller.tried(() => exportTask(server, idOf(task))),
    deleteTask: async (task: Summary) => {
      const sure = await vscode.window.showWarningMessage(
        `Delete “${task.title}” and all that is stored of it?`,
        { modal: true },
        'Delete',
      );
      if (sure !== 'Delete') return;
      await controller.tried(() => server.execute('roo.task.delete', { taskId: task.taskId }));
      if (tasks.current?.taskId === task.taskId) tasks.leave();
      refresh();
    },
    refreshTasks: refresh,
  };
}

/** Go back to a task: all that is searched for is in one line, with what it cost. */
async function history(tasks: Tasks): Promise<void> {
  const found = await tasks.list();
  const items = found.map((task) => ({
    label: task.title || 'Task',
    description: [age(task.updatedAt), task.mode, task.cost > 0 ? `$${task.cost.toFixed(2)}` : '', task.state]
      .filter((each) => each && each !== 'idle')
      .join(' · '),
    task,
  }));
  const options = { title: 'Roo: Tasks', placeHolder: 'Search your tasks', matchOnDescription: true };
  const picked = await vscode.window.showQuickPick(items, options);
  if (!picked) return;
  tasks.show(picked.task.taskId, picked.task.title);
  await show();
}

/** What changed since a checkpoint, or everything back to it, once that was confirmed. */
async function checkpoint(
  server: Server,
  taskId: string | undefined,
  what: string,
  checkpointId: string,
  label: string,
): Promise<void> {
  if (what === 'diff') {
    await server.execute('roo.checkpoint.diff', { taskId, checkpointId });
    return;
  }
  const conversation = what === 'rewind';
  const sure = await vscode.window.showWarningMessage(
    conversation
      ? `Put the files and the conversation back to “${label}”?`
      : `Put the files back to “${label}”? The conversation stays.`,
    { modal: true, detail: 'What the files are now becomes a checkpoint first: this can be undone.' },
    'Restore',
  );
  if (sure !== 'Restore') return;
  told(
    await server.execute<PutBack>('roo.checkpoint.restore', {
      taskId,
      checkpointId,
      ...(conversation ? { conversation } : {}),
    }),
  );
}

async function exportTask(server: Server, taskId: string | undefined): Promise<void> {
  const format = await vscode.window.showQuickPick(
    [
      { label: 'Markdown', description: 'to read', id: 'md' },
      { label: 'JSON', description: 'everything', id: 'json' },
    ],
    { title: 'Roo: Export as…' },
  );
  if (!format) return;
  const { text } = await server.execute<{ text: string }>('roo.task.export', { taskId, format: format.id });
  const language = format.id === 'md' ? 'markdown' : 'json';
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ content: text, language }));
}

function editorCommands({ controller, words }: Parts): Handlers {
  const about = (prompt: string, mode?: string) => async () => {
    const editor = vscode.window.activeTextEditor;
    if (editor) await controller.about(prompt, editor, mode);
  };
  return {
    ask: async () => {
      const editor = vscode.window.activeTextEditor;
      const prompt =
        editor && (await ask(editor.selection.isEmpty ? 'Ask about this file' : 'Ask about the selection'));
      if (prompt) await controller.about(prompt, editor);
      else if (!editor) await show();
    },
    explain: about('Explain this code: what it does, and what is not obvious in it.', 'ask'),
    improve: about('Improve this code: make it clearer and more robust without changing what it does.'),
    fix: async () => {
      const editor = vscode.window.activeTextEditor;
      if (editor) await controller.about(`Fix the problems in this code.${problems(editor)}`, editor);
    },
    addToRoo: async (uri?: vscode.Uri, uris?: vscode.Uri[]) => {
      const editor = vscode.window.activeTextEditor;
      const chosen =
        Array.isArray(uris) && uris.length > 0 ? uris : uri ? [uri] : editor ? [editor.document.uri] : [];
      const fromEditor =
        editor && chosen.length === 1 && chosen[0]?.toString() === editor.document.uri.toString();
      for (const each of chosen) words.attach(each, fromEditor ? editor.selection : undefined);
      await show();
    },
  };
}

/** What the other extensions say of the selection, or of the whole file. */
function problems({ document, selection }: vscode.TextEditor): string {
  const found = vscode.languages
    .getDiagnostics(document.uri)
    .filter((each) => each.source !== 'roo' && each.severity <= vscode.DiagnosticSeverity.Warning)
    .filter((each) => selection.isEmpty || each.range.intersection(selection))
    .slice(0, 20)
    .map((each) => `line ${each.range.start.line + 1}: ${firstLine(each.message)}`);
  return found.length > 0 ? `\n\nThe editor says:\n${found.join('\n')}` : '';
}

function approvalCommands({ permissions, tasks }: Parts): Handlers {
  const decide = (optionId: string) => async () => {
    const permission = await one(permissions.pending, tasks.current?.taskId);
    if (permission && !permissions.decide(permission.requestId, optionId)) {
      void vscode.window.showInformationMessage('Roo: this question has no such answer.');
    }
  };
  return {
    approve: decide('allow_once'),
    approveAlways: decide('allow_always'),
    deny: decide('reject_once'),
  };
}

/** The question that is meant: the only one that is drawn whole in the view, else the one that is picked. */
async function one(pending: Permission[], taskId: string | undefined): Promise<Permission | undefined> {
  const here = pending.filter((each) => each.taskId === null || each.taskId === taskId);
  if (here.length === 1) return here[0];
  const items = pending.map((permission) => ({
    label: permission.title,
    detail: permission.detail.map((line) => line.text).join(' · '),
    permission,
  }));
  return (await vscode.window.showQuickPick(items, { title: 'Roo waits for you: which one?' }))?.permission;
}

function reviewCommands({ server, tasks, diffs, controller }: Parts): Handlers {
  const all = (command: string) => () =>
    controller.tried(() => server.execute(command, { taskId: tasks.current?.taskId }));
  return {
    review: () => {
      const taskId = tasks.current?.taskId;
      if (taskId) return controller.tried(() => diffs.review(taskId));
      return vscode.window.showInformationMessage('Roo: there is no task to review.');
    },
    keepAll: all('roo.changes.keep'),
    revertAll: async () => {
      const sure = await vscode.window.showWarningMessage(
        "Take back all of Roo's changes in this task?",
        { modal: true },
        'Revert',
      );
      if (sure === 'Revert') await all('roo.changes.revert')();
    },
  };
}

const show = () => vscode.commands.executeCommand('rooLsp.view.focus');

async function ask(prompt: string): Promise<string | undefined> {
  return (await vscode.window.showInputBox({ title: 'Roo', prompt, ignoreFocusOut: true }))?.trim();
}

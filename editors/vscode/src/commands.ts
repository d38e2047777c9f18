import * as vscode from 'vscode';
import type { Controller } from './controller';
import type { Diffs } from './diffs';
import { removeKey, setKey } from './keys';
import type { Permissions } from './permissions';
import type { Server } from './server';
import type { Permission } from './shared/protocol';
import { firstLine, type Summary, type Tasks } from './tasks';

export interface Parts {
  context: vscode.ExtensionContext;
  server: Server;
  tasks: Tasks;
  permissions: Permissions;
  diffs: Diffs;
  controller: Controller;
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

type Handlers = Record<string, (...given: never[]) => unknown>;

function taskCommands({ server, tasks, controller, refresh }: Parts): Handlers {
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
    },
    show,
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

function editorCommands({ controller }: Parts): Handlers {
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
      for (const each of chosen) controller.attach(each, fromEditor ? editor.selection : undefined);
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

/** The question that is meant: the only one of the task that is shown, the only one, or the one that is picked. */
async function one(pending: Permission[], taskId: string | undefined): Promise<Permission | undefined> {
  const here = pending.filter((each) => each.taskId === taskId);
  if (here.length === 1) return here[0];
  if (pending.length < 2) return pending[0];
  const items = pending.map((permission) => ({
    label: permission.title,
    detail: permission.detail.join(' · '),
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

interface Report {
  ok: boolean;
  endpoint: string;
  model: string;
  checks: { name: string; status: string; message: string; hint?: string }[];
}

function setUpCommands({ context, server, tasks, controller, log }: Parts): Handlers {
  const newKey = async (change: typeof setKey) => {
    const done = await change(context.secrets);
    if (!done) return;
    await server.restart(); // its environment is where it has its keys from
    void vscode.window.showInformationMessage(`Roo: ${done}`);
  };
  return {
    setKey: () => newKey(setKey),
    removeKey: () => newKey(removeKey),
    restart: () => server.restart(),
    showLog: () => log.show(),
    openSettings: () =>
      vscode.commands.executeCommand('workbench.action.openSettings', '@ext:roo-lsp.roo-lsp'),
    doctor: () => controller.tried(() => doctor(server)),
    selectMode: async () => {
      const items = controller.facts.modes.map(({ slug, name }) => ({ label: name, slug }));
      const mode = await vscode.window.showQuickPick(items, { title: 'Roo: Mode' });
      const taskId = tasks.current?.taskId;
      if (!mode) return;
      if (taskId) await controller.tried(() => server.execute('roo.mode.set', { taskId, mode: mode.slug }));
      else await configure('mode', mode.slug);
    },
    selectProfile: async () => {
      const profile = await vscode.window.showQuickPick(controller.facts.profiles, {
        title: 'Roo: Profile',
        placeHolder:
          controller.facts.profiles.length > 0 ? '' : 'None is set up: see the setting roo.profiles',
      });
      const taskId = tasks.current?.taskId;
      if (!profile) return;
      if (taskId) await controller.tried(() => server.execute('roo.profile.set', { taskId, profile }));
      else await configure('profile', profile);
    },
    selectModel: async () => {
      const listed = await controller.tried(() =>
        server.execute<{ models: string[] }>('roo.provider.models'),
      );
      const model = listed && (await vscode.window.showQuickPick(listed.models, { title: 'Roo: Model' }));
      if (model) await configure('provider.modelId', model);
    },
  };
}

async function doctor(server: Server): Promise<void> {
  const options = { location: vscode.ProgressLocation.Notification, title: 'Roo tests the endpoint…' };
  const report = await vscode.window.withProgress(options, () =>
    server.execute<Report>('roo.provider.test', { wait: true }),
  );
  const marks: Record<string, string> = { ok: '✓', failed: '✗', skipped: '–' };
  const lines = report.checks.map(({ name, status, message, hint }) =>
    [
      `${marks[status] ?? '?'} ${name.padEnd(12)} ${message}`,
      ...(hint ? [`${' '.repeat(15)}${hint}`] : []),
    ].join('\n'),
  );
  const verdict = report.ok ? 'A task can run.' : 'A task cannot run yet.';
  const content = [
    `${report.model || 'No model'} at ${report.endpoint || 'no endpoint'}`,
    '',
    ...lines,
    '',
    verdict,
    '',
  ].join('\n');
  await vscode.window.showTextDocument(
    await vscode.workspace.openTextDocument({ content, language: 'plaintext' }),
  );
}

const configure = (key: string, value: string) =>
  vscode.workspace.getConfiguration('roo').update(key, value, vscode.ConfigurationTarget.Global);

const show = () => vscode.commands.executeCommand('rooLsp.view.focus');

async function ask(prompt: string): Promise<string | undefined> {
  return (await vscode.window.showInputBox({ title: 'Roo', prompt, ignoreFocusOut: true }))?.trim();
}

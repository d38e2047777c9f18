import * as vscode from 'vscode';
import { type LanguageClient, ShowMessageRequest } from 'vscode-languageclient/node';
import { registerCommands } from './commands';
import { Controller } from './controller';
import { Diffs } from './diffs';
import { Knowledge } from './facts';
import { Permissions } from './permissions';
import { answerRequests, Saves, Seen } from './requests';
import { Review } from './review';
import { Server } from './server';
import { openSettings } from './setup';
import type { Event, FromView } from './shared/protocol';
import { Status } from './status';
import { Tasks } from './tasks';
import { plain } from './toasts';
import { TaskTree } from './tree';
import { View } from './view';
import { Words } from './words';

/** How long after the server was told the settings it surely goes by them. */
const SETTLED_MS = 1000;

let server: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel('Roo', { log: true });
  const seen = new Seen();
  const saves = new Saves();
  const equip = (client: LanguageClient) => {
    answerRequests(client, seen, saves);
    permissions.equip(client);
    client.onNotification('roo/event', (event: Event) => tasks.take(event));
    client.onRequest(ShowMessageRequest.method, dialog);
  };
  const running = new Server(log, context.secrets, equip, saves.didSave);
  server = running;
  const tasks = new Tasks(running);
  const view = new View(
    context.extensionUri,
    (said: FromView) => void controller.take(said),
    () => permissions.notify(),
  );
  const execute = (command: string, argument: object) =>
    void controller.tried(() => running.execute(command, argument));
  const permissions = new Permissions({
    seen: () => view.visible,
    show: (taskId) => {
      if (taskId && taskId !== tasks.current?.taskId) tasks.show(taskId, '');
      void vscode.commands.executeCommand('rooLsp.view.focus');
    },
    respond: (requestId, decision, feedback) =>
      execute('roo.approval.respond', { requestId, decision, ...(feedback ? { feedback } : {}) }),
    answer: (requestId, answer) => execute('roo.question.answer', { requestId, answer }),
  });
  const diffs = new Diffs(running);
  const review = new Review(diffs);
  const status = new Status(running, tasks);
  const knowledge = new Knowledge(running);
  const words = new Words(running, tasks, view, context.workspaceState);
  const controller = new Controller(running, tasks, permissions, diffs, knowledge, words, view, review);
  const tree = new TaskTree(tasks);

  let told: string | undefined;
  let returned = false;

  /** A server has come: what it knows of what waits, and the task that was shown before. */
  const arrived = async () => {
    await knowledge.refresh();
    await words.restore();
    try {
      permissions.listed(await running.execute('roo.approval.list'));
    } catch {
      // It has just ended; the next one is asked again.
    }
  };

  context.subscriptions.push(
    log,
    seen,
    running,
    tasks,
    permissions,
    diffs,
    review,
    status,
    tree,
    vscode.window.registerWebviewViewProvider('rooLsp.view', view, {
      webviewOptions: { retainContextWhenHidden: true },
    }),
    vscode.window.registerTreeDataProvider('rooLsp.tasks', tree),
    running.onDidChange(() => {
      if (running.ready) void arrived();
      else {
        tasks.reset();
        permissions.clear();
        void knowledge.refresh();
      }
      status.draw();
      tree.refresh();
      if (running.problem && running.problem !== told) void tellProblem(running.problem);
      told = running.problem;
    }),
    running.onDidConfigure(() => {
      void knowledge.refresh();
      // It may take a moment before the server goes by what it was told.
      setTimeout(() => void knowledge.refresh(), SETTLED_MS);
    }),
    running.onDidReturn(async () => {
      returned = true;
      await tasks.back();
      // Nothing of this task was lost: that is said, too.
      if (returned) view.post({ type: 'lost', lost: { interrupted: false } });
      returned = false;
    }),
    tasks.onDidBreak(() => {
      view.post({ type: 'lost', lost: { interrupted: true, restarted: returned } });
      returned = false;
    }),
    tasks.onDidShow(() => {
      words.keepTask();
      controller.tellTask();
    }),
    tasks.onDidTell((events) => view.post({ type: 'events', events })),
    tasks.onEvent((event) => {
      permissions.take(event);
      status.take(event);
      controller.changed(event);
    }),
    tasks.onDidChangeState(() => {
      status.draw();
      tree.refresh();
      const busy = tasks.state === 'running' || tasks.state === 'waiting';
      void vscode.commands.executeCommand('setContext', 'rooLsp.running', busy);
    }),
    permissions.onDidChange(() => controller.tellPermissions()),
    knowledge.onDidChange(() => {
      status.use(knowledge.facts.model);
      controller.tellFacts();
    }),
    vscode.workspace.onDidChangeWorkspaceFolders(() => void knowledge.refresh()),
    vscode.workspace.onDidChangeConfiguration(async (event) => {
      if (event.affectsConfiguration('roo.server.path')) await running.restart();
    }),
  );
  registerCommands({
    context,
    server: running,
    tasks,
    permissions,
    diffs,
    controller,
    knowledge,
    words,
    view,
    log,
    refresh: () => tree.refresh(),
  });
  await running.start();
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}

/**
 * A dialog of the server. Questions and approvals come as events and requests too, and are asked by those: what
 * begins with *Review…* is one of them. Closing a dialog answers nothing.
 */
async function dialog({ message, actions = [] }: { message: string; actions?: vscode.MessageItem[] }) {
  if (actions[0]?.title === 'Review…') return null;
  return (await vscode.window.showInformationMessage(plain(message), ...actions)) ?? null;
}

async function tellProblem(problem: string): Promise<void> {
  const missing = problem.includes('is not installed');
  const actions = [...(missing ? ['How to Install'] : []), 'Open Setting', 'Show Log'];
  const chosen = await vscode.window.showErrorMessage(`Roo: ${problem}`, ...actions);
  if (chosen === 'How to Install') await vscode.commands.executeCommand('rooLsp.install');
  if (chosen === 'Open Setting') await openSettings('roo.server.path');
  if (chosen === 'Show Log') await vscode.commands.executeCommand('rooLsp.showLog');
}

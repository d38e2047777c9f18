import * as vscode from 'vscode';
import { type LanguageClient, ShowMessageRequest } from 'vscode-languageclient/node';
import { registerCommands } from './commands';
import { Controller } from './controller';
import { Diffs } from './diffs';
import { Permissions } from './permissions';
import { answerRequests, Saves, Seen } from './requests';
import { Server } from './server';
import type { Event, FromView } from './shared/protocol';
import { Status } from './status';
import { Tasks } from './tasks';
import { TaskTree } from './tree';
import { View } from './view';

let server: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel('Roo', { log: true });
  const seen = new Seen();
  const saves = new Saves();
  const equip = (client: LanguageClient) => {
    answerRequests(client, seen, saves);
    permissions.equip(client);
    client.onNotification('roo/event', (event: Event) => tasks.take(event));
    client.onRequest(ShowMessageRequest.method, dialog(view));
  };
  const running = new Server(log, context.secrets, equip, saves.didSave);
  server = running;
  const tasks = new Tasks(running);
  const view = new View(
    context.extensionUri,
    (said: FromView) => void controller.take(said),
    () => permissions.notify(),
  );
  const permissions = new Permissions(
    () => view.visible,
    () => void vscode.commands.executeCommand('rooLsp.view.focus'),
  );
  const diffs = new Diffs(running);
  const status = new Status(running, tasks);
  const controller = new Controller(running, tasks, permissions, diffs, status, view);
  const tree = new TaskTree(tasks);

  let told: string | undefined;

  context.subscriptions.push(
    log,
    seen,
    running,
    tasks,
    permissions,
    diffs,
    status,
    tree,
    vscode.window.registerWebviewViewProvider('rooLsp.view', view, {
      webviewOptions: { retainContextWhenHidden: true },
    }),
    vscode.window.registerTreeDataProvider('rooLsp.tasks', tree),
    running.onDidChange(() => {
      if (!running.ready) tasks.reset();
      status.draw();
      tree.refresh();
      void controller.tellFacts();
      if (running.problem && running.problem !== told) void tellProblem(running.problem);
      told = running.problem;
    }),
    tasks.onDidShow(() => controller.tellTask()),
    tasks.onDidTell((events) => view.post({ type: 'events', events })),
    tasks.onEvent((event) => {
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
    vscode.workspace.onDidChangeConfiguration(async (event) => {
      if (event.affectsConfiguration('roo.server.path')) await running.restart();
      else if (event.affectsConfiguration('roo')) await controller.tellFacts();
    }),
  );
  registerCommands({
    context,
    server: running,
    tasks,
    permissions,
    diffs,
    controller,
    log,
    refresh: () => tree.refresh(),
  });
  await running.start();
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}

/**
 * Questions of the model come as dialogs and as events. Where the view is seen it has a card for them, and a
 * notification would be one too many; closing a dialog answers nothing.
 */
function dialog(view: View) {
  return async ({ message, actions }: { message: string; actions?: vscode.MessageItem[] }) =>
    view.visible ? null : ((await vscode.window.showInformationMessage(message, ...(actions ?? []))) ?? null);
}

async function tellProblem(problem: string): Promise<void> {
  const [settings, log] = ['Open Setting', 'Show Log'];
  const chosen = await vscode.window.showErrorMessage(`Roo: ${problem}`, settings as string, log as string);
  if (chosen === settings)
    await vscode.commands.executeCommand('workbench.action.openSettings', 'roo.server.path');
  if (chosen === log) await vscode.commands.executeCommand('rooLsp.showLog');
}

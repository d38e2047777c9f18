'use strict';
const vscode = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

let client;

/** Run a command of the server; what it refuses is shown. */
async function roo(command, argument) {
  try {
    return await client.sendRequest('workspace/executeCommand', { command, arguments: [argument] });
  } catch (error) {
    vscode.window.showErrorMessage(`Roo: ${error.message}`);
  }
}

async function ask(prompt, command, field) {
  const words = await vscode.window.showInputBox({ prompt, ignoreFocusOut: true });
  if (words) {
    await roo(command, { [field]: words });
  }
}

const commands = {
  'rooLsp.start': () => ask('What should Roo do?', 'roo.task.start', 'prompt'),
  'rooLsp.send': () => ask('A follow-up, or the answer to a question', 'roo.task.send', 'text'),
  'rooLsp.approve': () => roo('roo.approval.respond', { decision: 'allow_once' }),
  'rooLsp.deny': () => roo('roo.approval.respond', { decision: 'reject_once' }),
  'rooLsp.cancel': () => roo('roo.task.cancel', {}),
  'rooLsp.open': () => roo('roo.task.open', {}),
};

exports.activate = async (context) => {
  const command = vscode.workspace.getConfiguration('rooLsp').get('path');
  // Not 'roo': `roo.trace.server` would be one of the server's settings.
  client = new LanguageClient('rooLsp', 'Roo', { command }, {
    documentSelector: [{ scheme: 'file' }, { scheme: 'untitled' }],
    synchronize: { configurationSection: 'roo' },
  });
  for (const [name, handler] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(name, handler));
  }
  await client.start();
};

exports.deactivate = () => client?.stop();

import * as vscode from 'vscode';
import type { Server } from './server';
import type { Event } from './shared/protocol';
import type { Tasks } from './tasks';

const LONGEST = 50;

/** The status bar: what Roo does now, and the way to its view. */
export class Status implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem(
    'rooLsp.status',
    vscode.StatusBarAlignment.Right,
    100,
  );
  private doing = '';
  private model = '';

  constructor(
    private readonly server: Server,
    private readonly tasks: Tasks,
  ) {
    this.item.name = 'Roo';
    this.item.command = 'rooLsp.show';
    this.draw();
    this.item.show();
  }

  /** The model that the next request goes to, where it is known. */
  use(model: string): void {
    this.model = model;
    this.draw();
  }

  take({ update }: Event): void {
    const before = this.doing;
    if (update.sessionUpdate === 'tool_call_update' && update.title) this.doing = update.title;
    else if (update.sessionUpdate === 'tool_call') this.doing = `${update.title}…`;
    else if (update.sessionUpdate === 'agent_message_chunk') this.doing = 'writing';
    else if (update.sessionUpdate === 'agent_thought_chunk') this.doing = 'thinking';
    else if (update.sessionUpdate === '_retry') this.doing = `retry ${update.attempt}/${update.attempts}`;
    if (this.doing !== before) this.draw();
  }

  draw(): void {
    const { item } = this;
    item.backgroundColor = undefined;
    if (!this.server.ready) {
      item.text = this.server.problem ? '$(warning) Roo' : '$(loading~spin) Roo';
      item.tooltip = this.server.problem ?? 'roo-lsp starts.';
      return;
    }
    const state = this.tasks.state;
    item.tooltip = `Roo${this.model ? ` · ${this.model}` : ''} · ${state}`;
    if (state === 'waiting') {
      item.text = '$(bell-dot) Roo waits for you';
      item.backgroundColor = new vscode.ThemeColor('statusBarItem.warningBackground');
    } else if (state === 'running') {
      item.text = `$(loading~spin) Roo: ${short(this.doing) || 'working'}`;
    } else {
      item.text = `${state === 'failed' ? '$(error)' : '$(comment-discussion)'} Roo${this.model ? `: ${short(this.model)}` : ''}`;
    }
  }

  dispose(): void {
    this.item.dispose();
  }
}

/** One line that fits; `$(…)` of others draws no icon. */
function short(text: string): string {
  const line = text.replace(/\s+/g, ' ').replaceAll('$(', '$ (');
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}

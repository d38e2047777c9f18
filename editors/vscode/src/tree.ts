import * as vscode from 'vscode';
import type { Summary, Tasks } from './tasks';

const ICONS: Record<string, vscode.ThemeIcon> = {
  running: new vscode.ThemeIcon('loading~spin'),
  waiting: new vscode.ThemeIcon('bell-dot', new vscode.ThemeColor('notificationsWarningIcon.foreground')),
  failed: new vscode.ThemeIcon('error', new vscode.ThemeColor('notificationsErrorIcon.foreground')),
  idle: new vscode.ThemeIcon('comment-discussion'),
};

/** The tasks of this workspace, newest first. */
export class TaskTree implements vscode.TreeDataProvider<Summary>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;

  constructor(private readonly tasks: Tasks) {}

  refresh(): void {
    this.changed.fire();
  }

  async getChildren(parent?: Summary): Promise<Summary[]> {
    if (parent) return [];
    try {
      return await this.tasks.list();
    } catch {
      return []; // without a server the view itself says so
    }
  }

  getTreeItem(task: Summary): vscode.TreeItem {
    const item = new vscode.TreeItem(task.title || 'Task');
    item.id = task.taskId;
    item.description = [age(task.updatedAt), task.cost > 0 ? `$${task.cost.toFixed(2)}` : '']
      .filter(Boolean)
      .join(' · ');
    item.tooltip = `${task.title}\n${task.mode} · ${task.state} · ${new Date(task.updatedAt * 1000).toLocaleString()}`;
    const icon = ICONS[task.state];
    if (icon) item.iconPath = icon;
    item.contextValue = task.state === 'waiting' ? 'running' : task.state;
    item.command = { command: 'rooLsp.openTask', title: 'Open', arguments: [task] };
    return item;
  }

  dispose(): void {
    this.changed.dispose();
  }
}

export function age(seconds: number): string {
  const minutes = Math.floor((Date.now() / 1000 - seconds) / 60);
  if (minutes < 1) return 'now';
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h`;
  return `${Math.floor(minutes / 60 / 24)} d`;
}

import * as vscode from 'vscode';
import type { Server } from './server';
import type { Facts, Status } from './shared/protocol';

/** What holds for all tasks: modes, profiles, the model; asked of the server when it may be another. */
export class Knowledge {
  facts: Facts = {
    ready: false,
    modes: [],
    mode: 'code',
    profiles: [],
    profile: '',
    model: '',
    endpoint: '',
    commands: [],
    autoApprove: {},
    folders: [],
  };
  /** The last time they were asked for: an answer to an earlier question is not the newest. */
  private asked = 0;
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;

  constructor(private readonly server: Server) {}

  async refresh(): Promise<void> {
    const turn = ++this.asked;
    const { ready, problem, commands } = this.server;
    const folders = (vscode.workspace.workspaceFolders ?? []).map(({ name, uri }) => ({
      name,
      path: uri.path,
    }));
    this.put({ ready, commands, folders }, problem);
    if (!this.server.isConfigured) return;
    try {
      const [modes, profiles, status] = await Promise.all([
        this.server.execute<Pick<Facts, 'modes' | 'mode'>>('roo.mode.list'),
        this.server.execute<Pick<Facts, 'profiles' | 'profile'>>('roo.profile.list'),
        this.server.execute<Status>('roo.status'),
      ]);
      if (turn !== this.asked) return;
      delete this.facts.local;
      this.put({
        modes: modes.modes,
        mode: modes.mode,
        profiles: profiles.profiles,
        profile: profiles.profile,
        model: status.model,
        endpoint: status.provider.baseUrl,
        autoApprove: status.autoApprove,
      });
      if (!status.provider.baseUrl) await this.look(turn);
    } catch {
      // It has just ended; its next state tells again.
    }
  }

  /** What the server says is approved without a question. */
  approved(autoApprove: Record<string, boolean>): void {
    this.put({ autoApprove });
  }

  /** Nothing is set: is there a model server on this machine? */
  private async look(turn: number): Promise<void> {
    let local: NonNullable<Facts['local']>;
    try {
      local = await this.server.execute<{ models: string[] }>('roo.provider.models');
    } catch (error) {
      local = { models: [], problem: error instanceof Error ? error.message : String(error) };
    }
    if (turn === this.asked) this.put({ local });
  }

  private put(more: Partial<Facts>, problem?: string): void {
    this.facts = { ...this.facts, ...more };
    if (problem) this.facts.problem = problem;
    else delete this.facts.problem;
    this.changed.fire();
  }
}

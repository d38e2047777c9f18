import * as vscode from 'vscode';
import type { Server } from './server';
import { best } from './shared/matching';
import type { Offer } from './shared/protocol';

const SHOWN = 30;

interface Command {
  name: string;
  description?: string;
  argumentHint?: string;
}

interface Mention {
  name: string;
  /** As it is inserted. */
  text: string;
  kind: 'file' | 'folder' | 'word';
  description: string;
}

const ICONS = { file: 'file', folder: 'folder', word: 'mention' };

/** What is offered while one writes: what can be mentioned for `@`, commands for `/`. */
export class Offers {
  constructor(private readonly server: Server) {}

  async of(query: string, mode: string): Promise<Offer[]> {
    return query.startsWith('/') ? this.commands(query.slice(1), mode) : this.mentions(query.slice(1));
  }

  private async mentions(text: string): Promise<Offer[]> {
    if (!this.server.has('roo.mention.list')) return [];
    const found = await this.server.execute<Mention[]>('roo.mention.list', { text, limit: SHOWN });
    return found.map((each) => ({
      text: each.text,
      label: each.kind === 'word' ? each.text : (each.name.replace(/\/$/, '').split('/').pop() ?? each.name),
      description: each.kind === 'word' ? each.description : withFolder(each.name),
      icon: ICONS[each.kind],
    }));
  }

  private async commands(query: string, mode: string): Promise<Offer[]> {
    if (!this.server.has('roo.command.list')) return [];
    const all = await this.server.execute<Command[]>('roo.command.list', mode ? { mode } : {});
    const byName = new Map(all.map((each) => [each.name.replace(/^\//, ''), each]));
    return best([...byName.keys()], query, SHOWN).map((name) => ({
      text: `/${name}`,
      label: `/${name}`,
      description: [byName.get(name)?.argumentHint, byName.get(name)?.description]
        .filter(Boolean)
        .join(' · '),
      icon: 'symbol-event',
    }));
  }
}

/** A name as VS Code has it: in a window of several folders that of the first one stands in front, too. */
function withFolder(name: string): string {
  const [first, ...others] = vscode.workspace.workspaceFolders ?? [];
  if (!first || others.length === 0 || name.startsWith('/')) return name;
  return others.some((other) => name.startsWith(`${other.name}/`)) ? name : `${first.name}/${name}`;
}

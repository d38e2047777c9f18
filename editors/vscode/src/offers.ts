import * as vscode from 'vscode';
import type { Server } from './server';
import { best } from './shared/matching';
import type { Offer } from './shared/protocol';

/** How many files there may be to choose from, and how many are offered. */
const MOST = 20_000;
const SHOWN = 30;
/** How long the list of files is taken for current. */
const FRESH_MS = 5000;

interface Command {
  name: string;
  description?: string;
  argumentHint?: string;
}

/** What is offered while one writes: files and folders for `@`, commands for `/`. */
export class Offers {
  private names: Promise<string[]> | undefined;
  private asked = 0;

  constructor(private readonly server: Server) {}

  async of(query: string, mode: string): Promise<Offer[]> {
    return query.startsWith('/') ? this.commands(query.slice(1), mode) : this.files(query.slice(1));
  }

  private async files(query: string): Promise<Offer[]> {
    if (!this.names || Date.now() - this.asked > FRESH_MS) {
      this.asked = Date.now();
      this.names = everything();
    }
    return best(await this.names, query.replaceAll('\\ ', ' '), SHOWN).map((name) => ({
      text: `@${name.replaceAll(' ', '\\ ')}`,
      label: name.replace(/\/$/, '').split('/').pop() ?? name,
      description: name,
      icon: name.endsWith('/') ? 'folder' : 'file',
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

/** The names of all files and folders that VS Code does not leave out. */
async function everything(): Promise<string[]> {
  const found = await vscode.workspace.findFiles('**/*', undefined, MOST);
  const files = found.map((uri) => vscode.workspace.asRelativePath(uri));
  return [...files, ...folders(files)];
}

/** The folders of these files, each once, ending with a slash. */
function folders(files: string[]): string[] {
  const found = new Set<string>();
  for (const file of files) {
    for (let at = file.indexOf('/'); at >= 0; at = file.indexOf('/', at + 1))
      found.add(file.slice(0, at + 1));
  }
  return [...found];
}

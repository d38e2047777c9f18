import * as vscode from 'vscode';
import manifest from '../package.json';

type Json = { [key: string]: unknown };

const KEYS = manifest.contributes.configuration
  .flatMap((page) => Object.keys(page.properties))
  .map((name) => name.replace(/^roo\./, ''))
  .filter((name) => !name.startsWith('server.'));

/**
 * What somebody has set below `roo`, and no defaults: a default sent from here would win over the user's own
 * settings.json of roo-lsp.
 */
export function explicitSettings(): Json {
  const configuration = vscode.workspace.getConfiguration('roo');
  const found: Json = {};
  for (const key of KEYS) {
    const where = configuration.inspect(key);
    const values = [where?.globalValue, where?.workspaceValue, where?.workspaceFolderValue];
    if (values.some((value) => value !== undefined)) put(found, key.split('.'), configuration.get(key));
  }
  return found;
}

function put(into: Json, path: string[], value: unknown): void {
  const [last] = path.slice(-1);
  let place = into;
  for (const step of path.slice(0, -1)) {
    place[step] ??= {};
    place = place[step] as Json;
  }
  if (last !== undefined) place[last] = value;
}

import * as vscode from 'vscode';
import { keyVariables, originOf } from './shared/origin';

/** The secret that lists the origins there are keys for: secret storage cannot be listed. */
const ORIGINS = 'rooLsp.origins';
const secretOf = (origin: string) => `rooLsp.key.${origin}`;

/** What the server's process gets of the keys: each is bound to the origin it was given for. */
export async function keyEnvironment(secrets: vscode.SecretStorage): Promise<Record<string, string>> {
  const keys = new Map<string, string>();
  for (const origin of await origins(secrets)) {
    const key = await secrets.get(secretOf(origin));
    if (key) keys.set(origin, key);
  }
  return keyVariables(keys);
}

/** Ask for an endpoint and its key, and keep it; says what was done, nothing where nothing was. */
export async function setKey(secrets: vscode.SecretStorage): Promise<string | undefined> {
  const address = await vscode.window.showInputBox({
    title: 'Roo: Set API Key (1/2)',
    prompt: 'The endpoint that the key is for. It is sent to this scheme, host and port, and nowhere else.',
    value:
      vscode.workspace.getConfiguration('roo').get<string>('provider.baseUrl') || 'https://api.openai.com/v1',
    ignoreFocusOut: true,
    validateInput: (value) => (originOf(value) ? undefined : 'An address like https://api.openai.com/v1'),
  });
  const origin = address && originOf(address);
  if (!origin) return undefined;
  const key = await askKey(origin, 'Roo: Set API Key (2/2)');
  if (!key) return undefined;
  await storeKey(secrets, origin, key);
  return `The key for ${origin} is stored.`;
}

/** The key for an origin; empty where the user has none for it, nothing where they left. */
export async function askKey(origin: string, title: string, more = ''): Promise<string | undefined> {
  const key = await vscode.window.showInputBox({
    title,
    prompt: `The key for ${origin}. VS Code keeps it in the secret storage of this machine. ${more}`.trim(),
    password: true,
    ignoreFocusOut: true,
    validateInput: (value) => (/\s/.test(value.trim()) ? 'A key has no blanks.' : undefined),
  });
  return key?.trim();
}

export async function storeKey(secrets: vscode.SecretStorage, origin: string, key: string): Promise<void> {
  await secrets.store(secretOf(origin), key);
  await secrets.store(ORIGINS, JSON.stringify([...new Set([...(await origins(secrets)), origin])]));
}

/** Ask which key to forget; says what was done, nothing where nothing was. */
export async function removeKey(secrets: vscode.SecretStorage): Promise<string | undefined> {
  const known = await origins(secrets);
  if (known.length === 0) {
    void vscode.window.showInformationMessage('Roo: no key is stored.');
    return undefined;
  }
  const origin = await vscode.window.showQuickPick(known, { title: 'Roo: Remove the API key for…' });
  if (!origin) return undefined;
  await secrets.delete(secretOf(origin));
  await secrets.store(ORIGINS, JSON.stringify(known.filter((each) => each !== origin)));
  return `The key for ${origin} is forgotten.`;
}

async function origins(secrets: vscode.SecretStorage): Promise<string[]> {
  const stored: unknown = JSON.parse((await secrets.get(ORIGINS)) ?? '[]');
  return Array.isArray(stored) ? stored.filter((each) => typeof each === 'string') : [];
}

import * as vscode from 'vscode';
import type { Handlers, Parts } from './commands';
import { askKey, removeKey, setKey, storeKey } from './keys';
import type { Server } from './server';
import { originOf } from './shared/origin';
import type { Report, Status } from './shared/protocol';

/** How long the server may take to ask for settings that were changed. */
const CONFIGURED_MS = 5000;
const POLL_MS = 100;

interface Endpoint extends vscode.QuickPickItem {
  /** Empty: what is found on this machine. */
  address?: string;
}

const ENDPOINTS: Endpoint[] = [
  { label: '$(vm) On this machine', description: 'Ollama, LM Studio, llama.cpp, vLLM', address: '' },
  {
    label: '$(cloud) OpenAI',
    description: 'https://api.openai.com/v1',
    address: 'https://api.openai.com/v1',
  },
  {
    label: '$(cloud) OpenRouter',
    description: 'https://openrouter.ai/api/v1',
    address: 'https://openrouter.ai/api/v1',
  },
  { label: '$(globe) Another address…', description: 'any OpenAI-compatible endpoint' },
];

/** What has to be set once: the endpoint, its key, the model. */
export function setUpCommands(parts: Parts): Handlers {
  const { context, server, tasks, controller, knowledge, view, log } = parts;
  const newKey = async (change: typeof setKey) => {
    const done = await change(context.secrets);
    if (!done) return;
    await server.restart(); // its environment is where it has its keys from
    void vscode.window.showInformationMessage(`Roo: ${done}`);
  };
  const selectModel = async () => {
    const listed = await controller.tried(() => models(server));
    const model = listed && (await pickModel(listed.models, knowledge.facts.model));
    if (model) await configure(parts, 'provider.modelId', model);
  };
  return {
    setUp: async () => {
      if (await endpoint(parts)) await selectModel();
    },
    setKey: () => newKey(setKey),
    removeKey: () => newKey(removeKey),
    restart: () => server.restart(),
    install: () => install(context),
    showLog: () => log.show(),
    openSettings: () => openSettings(),
    doctor: async () => {
      await vscode.commands.executeCommand('rooLsp.view.focus');
      const { model, endpoint } = knowledge.facts;
      view.post({ type: 'report', report: { ok: false, endpoint, model, checks: [] } });
      const report = await controller.tried(() =>
        server.execute<Report>('roo.provider.test', { wait: true }),
      );
      view.post({ type: 'report', report: report ?? null });
    },
    selectMode: async () => {
      const items = knowledge.facts.modes.map(({ slug, name }) => ({ label: name, slug }));
      const mode = await vscode.window.showQuickPick(items, { title: 'Roo: Mode' });
      const taskId = tasks.current?.taskId;
      if (!mode) return;
      if (taskId) await controller.tried(() => server.execute('roo.mode.set', { taskId, mode: mode.slug }));
      else await configure(parts, 'mode', mode.slug);
    },
    selectProfile: async () => {
      const { profiles } = knowledge.facts;
      const profile = await vscode.window.showQuickPick(profiles, {
        title: 'Roo: Profile',
        placeHolder: profiles.length > 0 ? '' : 'None is set up: see the setting roo.profiles',
      });
      const taskId = tasks.current?.taskId;
      if (!profile) return;
      if (taskId) await controller.tried(() => server.execute('roo.profile.set', { taskId, profile }));
      else await configure(parts, 'profile', profile);
    },
    selectModel,
    selectServer: async () => {
      const servers = await controller.tried(() => server.execute<McpServer[]>('roo.mcp.list'));
      const items = (servers ?? []).map(({ name, state, error, tools }) => ({
        label: name,
        description: state,
        detail: error ?? `${tools.length} tools`,
      }));
      const placeHolder = items.length > 0 ? '' : 'None is set up: see the setting roo.mcpServers';
      const picked = await vscode.window.showQuickPick(items, { title: 'Roo: MCP Servers', placeHolder });
      if (!picked) return;
      const action = await vscode.window.showQuickPick(SERVER_ACTIONS, { title: `Roo: ${picked.label}` });
      if (!action) return;
      const { enabled, login } = action;
      const wanted = { name: picked.label, enabled, login, wait: true };
      const now = await controller.tried(() => server.execute<McpServer[]>('roo.mcp.restart', wanted));
      if (now?.[0])
        void vscode.window.showInformationMessage(`Roo: ${now[0].name}: ${now[0].error ?? now[0].state}`);
    },
  };
}

/** A server of MCP, as `roo.mcp.list` has it. */
interface McpServer {
  name: string;
  state: string;
  error?: string;
  tools: unknown[];
}

const SERVER_ACTIONS = [
  { label: 'Start again', enabled: true, login: false },
  { label: 'Switch off', enabled: false, login: false },
  { label: 'Log in', enabled: true, login: true },
];

/** Ask where the model is, and for the key of that place; false where the user left. */
async function endpoint(parts: Parts): Promise<boolean> {
  const { context, server } = parts;
  const title = 'Roo: Set Up';
  const picked = await vscode.window.showQuickPick(ENDPOINTS, { title, placeHolder: 'Where is the model?' });
  if (!picked) return false;
  const address = picked.address ?? (await askAddress(title));
  if (address === undefined) return false;
  const origin = address ? originOf(address) : undefined;
  if (!origin) {
    await configure(parts, 'provider.baseUrl', undefined);
    return true;
  }
  const key = await askKey(origin, title, 'Leave it empty where the endpoint wants none.');
  if (key === undefined) return false;
  if (key) await storeKey(context.secrets, origin, key);
  await configure(parts, 'provider.baseUrl', address.trim());
  if (key) await server.restart(); // its environment is where it has its keys from
  return true;
}

const askAddress = (title: string) =>
  vscode.window.showInputBox({
    title,
    prompt: 'The address of the endpoint, with its /v1.',
    placeHolder: 'http://192.168.1.20:8080/v1',
    ignoreFocusOut: true,
    validateInput: (value) => (originOf(value) ? undefined : 'An address like https://api.example.com/v1'),
  });

const models = (server: Server) =>
  vscode.window.withProgress({ location: { viewId: 'rooLsp.view' } }, () =>
    server.execute<{ models: string[] }>('roo.provider.models'),
  );

async function pickModel(models: string[], now: string): Promise<string | undefined> {
  const items = models.map((label) => ({ label, description: label === now ? 'in use' : '' }));
  const options = { title: 'Roo: Model', placeHolder: 'Search the models of the endpoint' };
  return (await vscode.window.showQuickPick(items, options))?.label;
}

/**
 * Change a setting of the user; returns once the server goes by it, or does not for long: it asks for settings in
 * its own time, and what holds may be decided elsewhere.
 */
async function configure({ server, knowledge }: Parts, key: Known, value: string | undefined): Promise<void> {
  const configuration = vscode.workspace.getConfiguration('roo');
  if (configuration.inspect(key)?.globalValue === value) return;
  const held = async () => KNOWN[key](await server.execute<Status>('roo.status')).replace(/\/$/, '');
  const before = await held();
  await configuration.update(key, value, vscode.ConfigurationTarget.Global);
  const wanted = (value ?? '').replace(/\/$/, '');
  // What holds need not be what was set: an address is shown without what is secret in it, or was found.
  for (const end = Date.now() + CONFIGURED_MS; Date.now() < end; ) {
    const now = await held();
    if (now === wanted || now !== before) break;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  await knowledge.refresh();
}

/** Where the server says what holds of a setting. */
const KNOWN = {
  'provider.baseUrl': (status: Status) => status.provider.baseUrl,
  'provider.modelId': (status: Status) => status.model,
  mode: (status: Status) => status.mode,
  profile: (status: Status) => status.profile,
};
type Known = keyof typeof KNOWN;

/** In a remote window, what decides about that machine is in its settings. */
export async function openSettings(query = '@ext:roo-lsp.roo-lsp'): Promise<void> {
  if (vscode.env.remoteName)
    await vscode.commands.executeCommand('workbench.action.openRemoteSettings', { query });
  else await vscode.commands.executeCommand('workbench.action.openSettings', query);
}

/** How the server is installed: on the extension's own page, which is on this machine. */
const install = (context: vscode.ExtensionContext) =>
  vscode.commands.executeCommand(
    'markdown.showPreview',
    vscode.Uri.joinPath(context.extensionUri, 'README.md'),
  );

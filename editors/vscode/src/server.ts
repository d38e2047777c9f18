import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import * as vscode from 'vscode';
import {
  CloseAction,
  type ConfigurationParams,
  ErrorAction,
  type InitializeParams,
  LanguageClient,
  type LanguageClientOptions,
  type Middleware,
  State,
} from 'vscode-languageclient/node';
import { keyEnvironment } from './keys';
import { explicitSettings } from './settings';

/** How often in which time it may end before it is left alone. */
const MOST_ENDS = 4;
const ENDS_MS = 180_000;

/** What this client answers, beyond LSP. */
export const EXTENSIONS = [
  'roo/event',
  'roo/requestPermission',
  'roo/saveDocuments',
  'roo/diagnostics',
  'roo/definition',
  'roo/references',
  'roo/hover',
  'roo/documentSymbol',
  'roo/workspaceSymbol',
  'roo/rename',
];

/** The server's program is not there; the message is for people. */
export class Missing extends Error {}

/** Something the server refused, in its own words. */
export class Refused extends Error {}

/** The language server: started, restarted, and asked. */
export class Server implements vscode.Disposable {
  private client: LanguageClient | undefined;
  private restarting = Promise.resolve();
  /** When it ended without being told to, of late. */
  private ends: number[] = [];
  private lost = false;
  private knows = false;
  private readonly changed = new vscode.EventEmitter<void>();
  /** Fired when `ready` or `problem` are others. */
  readonly onDidChange = this.changed.event;
  private readonly configured = new vscode.EventEmitter<void>();
  /** The server has been told the settings; it goes by them in a moment. */
  readonly onDidConfigure = this.configured.event;
  private readonly returned = new vscode.EventEmitter<void>();
  /** It ended without being told to, and is there again. */
  readonly onDidReturn = this.returned.event;
  /** Why there is no server, for people. */
  problem: string | undefined;

  constructor(
    private readonly log: vscode.LogOutputChannel,
    private readonly secrets: vscode.SecretStorage,
    /** Adds the handlers of requests and notifications to each new client. */
    private readonly equip: (client: LanguageClient) => void,
    private readonly didSave: NonNullable<Middleware['didSave']>,
  ) {}

  get ready(): boolean {
    return this.client?.state === State.Running;
  }

  /** True once the server that runs has been told the settings. */
  get isConfigured(): boolean {
    return this.ready && this.knows;
  }

  /** The commands that it has. */
  get commands(): string[] {
    return this.client?.initializeResult?.capabilities.executeCommandProvider?.commands ?? [];
  }

  has(command: string): boolean {
    return this.commands.includes(command);
  }

  /** Start it; what is in the way is kept as `problem`. */
  async start(): Promise<void> {
    try {
      const client = await this.create();
      this.client = client;
      client.onDidChangeState(() => this.stirred(client));
      this.equip(client);
      this.problem = undefined;
      await client.start();
    } catch (error) {
      await this.stop(); // one that did not start would go on to complain of each change of a setting
      this.problem =
        error instanceof Missing ? error.message : `roo-lsp did not start: ${message(error)} See its log.`;
      this.log.error(this.problem);
    }
    this.changed.fire();
  }

  /** End it and start it anew; one restart after the other. */
  restart(): Promise<void> {
    this.restarting = this.restarting.then(async () => {
      await this.stop();
      await this.start();
    });
    return this.restarting;
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    try {
      if (client?.needsStop()) await client.stop();
      await client?.dispose();
    } catch {
      // It has ended already.
    }
  }

  /**
   * The result of a command of the server.
   *
   * @throws Refused with what the server says, or that there is none.
   */
  async execute<T>(command: string, argument: object = {}): Promise<T> {
    if (!this.client || !this.ready) throw new Refused(this.problem ?? 'roo-lsp is not running.');
    try {
      return await this.client.sendRequest<T>('workspace/executeCommand', { command, arguments: [argument] });
    } catch (error) {
      throw new Refused(message(error));
    }
  }

  dispose(): void {
    void this.stop();
    for (const emitter of [this.changed, this.configured, this.returned]) emitter.dispose();
  }

  private stirred(client: LanguageClient): void {
    if (client !== this.client) return;
    if (client.state !== State.Running) this.knows = false;
    this.changed.fire();
    if (client.state !== State.Running || !this.lost) return;
    this.lost = false;
    this.returned.fire();
  }

  /** It ended without being told to: it is started again, unless that helps nobody. */
  private closed() {
    const now = Date.now();
    this.ends = [...this.ends.filter((each) => now - each < ENDS_MS), now];
    this.lost = true;
    if (this.ends.length <= MOST_ENDS) return { action: CloseAction.Restart, handled: true };
    this.problem = `roo-lsp ended ${this.ends.length} times in a row. Its log says why.`;
    this.ends = [];
    return { action: CloseAction.DoNotRestart, handled: true };
  }

  private configuration(params: ConfigurationParams): unknown[] {
    // The answer goes out behind this; what is asked after that comes behind it.
    setTimeout(() => {
      this.knows = true;
      this.configured.fire();
    });
    return params.items.map((item) => (item.section === 'roo' ? explicitSettings() : null));
  }

  private async create(): Promise<LanguageClient> {
    const command = program();
    const env = { ...process.env, ...(await keyEnvironment(this.secrets)) };
    const options: LanguageClientOptions = {
      documentSelector: [{ scheme: 'file' }, { scheme: 'untitled' }],
      synchronize: { configurationSection: ['roo'] },
      initializationOptions: { client: { extensions: EXTENSIONS } },
      outputChannel: this.log,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => this.closed(),
      },
      middleware: {
        ...MIDDLEWARE,
        didSave: this.didSave,
        workspace: { ...MIDDLEWARE.workspace, configuration: (params) => this.configuration(params) },
      },
    };
    // Not `roo`: the client's id is the section of its own settings, and that one is the server's.
    const client = new LanguageClient('rooLsp', 'Roo', { command, options: { env } }, options);
    // With work-done progress the client would take the events itself, and drop those between turns.
    client.registerFeature({
      fillInitializeParams: (params: InitializeParams) => {
        params.capabilities.window = { ...params.capabilities.window, workDoneProgress: false };
      },
      fillClientCapabilities: () => {},
      initialize: () => {},
      getState: () => ({ kind: 'static' }),
      clear: () => {},
    });
    return client;
  }
}

const MIDDLEWARE: Middleware = {
  workspace: {
    // Only that they changed: the server asks for what it needs.
    didChangeConfiguration: async (_sections, next) => next(undefined),
  },
  // Lenses and code actions run the server's commands: what it refuses is told in its words.
  executeCommand: async (command, args, next) => {
    try {
      return await next(command, args);
    } catch (error) {
      void vscode.window.showErrorMessage(`Roo: ${message(error)}`);
      return undefined;
    }
  },
};

/**
 * The program to start: the setting's, else the one on PATH, else where installers put it that leave no trace
 * on the PATH of a program with a window.
 *
 * @throws Missing where there is none.
 */
function program(): string {
  const set = vscode.workspace.getConfiguration('roo').get<string>('server.path', '').trim();
  if (set) {
    if (isProgram(set)) return set;
    throw new Missing(`The setting roo.server.path names no program: ${set}`);
  }
  const names = process.platform === 'win32' ? ['roo-lsp.exe', 'roo-lsp.cmd'] : ['roo-lsp'];
  for (const folder of [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), ...INSTALLED]) {
    for (const name of names) if (isProgram(join(folder, name))) return join(folder, name);
  }
  throw new Missing('roo-lsp is not installed on this machine, or not where it is looked for.');
}

/** Where uv, pipx and pip put the programs that they install for one user. */
const INSTALLED = [
  process.env.UV_TOOL_BIN_DIR,
  process.env.PIPX_BIN_DIR,
  process.env.XDG_BIN_HOME,
  join(homedir(), '.local', 'bin'),
  join(homedir(), '.local', 'share', 'uv', 'tools', 'roo-lsp', 'bin'),
  join(homedir(), '.local', 'pipx', 'venvs', 'roo-lsp', 'bin'),
].filter((folder) => folder !== undefined);

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

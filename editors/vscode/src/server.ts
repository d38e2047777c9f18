import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import * as vscode from 'vscode';
import {
  type InitializeParams,
  LanguageClient,
  type LanguageClientOptions,
  type Middleware,
  State,
} from 'vscode-languageclient/node';
import { keyEnvironment } from './keys';
import { explicitSettings } from './settings';

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
  private readonly changed = new vscode.EventEmitter<void>();
  /** Fired when `ready` or `problem` are others. */
  readonly onDidChange = this.changed.event;
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

  /** Start it; what is in the way is kept as `problem`. */
  async start(): Promise<void> {
    try {
      const client = await this.create();
      this.client = client;
      client.onDidChangeState(() => this.changed.fire());
      this.equip(client);
      this.problem = undefined;
      await client.start();
    } catch (error) {
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
    if (client?.needsStop()) await client.stop();
    client?.dispose();
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
    this.changed.dispose();
  }

  private async create(): Promise<LanguageClient> {
    const command = program();
    const env = { ...process.env, ...(await keyEnvironment(this.secrets)) };
    const options: LanguageClientOptions = {
      documentSelector: [{ scheme: 'file' }, { scheme: 'untitled' }],
      synchronize: { configurationSection: ['roo'] },
      initializationOptions: { client: { extensions: EXTENSIONS } },
      outputChannel: this.log,
      middleware: { ...MIDDLEWARE, didSave: this.didSave },
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
    configuration: (params) =>
      params.items.map((item) => (item.section === 'roo' ? explicitSettings() : null)),
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
 * The program to start: the setting's, else the one on PATH.
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
  for (const folder of (process.env.PATH ?? '').split(delimiter).filter(Boolean)) {
    for (const name of names) if (isProgram(join(folder, name))) return join(folder, name);
  }
  throw new Missing(
    'roo-lsp was not found on PATH. Install it, or say where it is in the setting roo.server.path.',
  );
}

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

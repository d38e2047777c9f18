import * as vscode from 'vscode';
import type {
  DocumentSymbol,
  HoverParams,
  LanguageClient,
  Location,
  ReferenceParams,
  RenameParams,
  SymbolInformation,
  TextDocumentPositionParams,
  WorkspaceEdit,
} from 'vscode-languageclient/node';

/** How long diagnostics may settle after an edit where a linter is known to look, and where none is. */
const LOOKED_AT_MS = 1700;
const UNKNOWN_MS = 300;
/** How long a language's extension may take to start. */
const START_MS = 8000;
/** Quiet after which diagnostics count as settled. */
const QUIET_MS = 120;

const OWN_SOURCE = 'roo';
/** Only Roo looks at these. */
const TASK_DOCUMENT = /\.roo\.md$/;

/** Answers what Roo asks of the editor and of the other language servers in it. */
export function answerRequests(client: LanguageClient, seen: Seen, saves: Saves): void {
  const uriOf = (text: string) => client.protocol2CodeConverter.asUri(text);
  const locations = (found: (vscode.Location | vscode.LocationLink)[]): Location[] =>
    found.map((each) =>
      'targetUri' in each
        ? {
            uri: client.code2ProtocolConverter.asUri(each.targetUri),
            range: client.code2ProtocolConverter.asRange(each.targetSelectionRange ?? each.targetRange),
          }
        : client.code2ProtocolConverter.asLocation(each),
    );

  client.onRequest('roo/saveDocuments', async ({ uris }: { uris: string[] }) => {
    const saved: string[] = [];
    for (const uri of uris) {
      const document = open(uriOf(uri));
      if (document && (!document.isDirty || (await saves.save(document)))) saved.push(uri);
    }
    return { saved };
  });

  client.onRequest('roo/diagnostics', async ({ uris, wait }: { uris?: string[]; wait?: boolean }) => {
    const wanted = uris?.map(uriOf);
    if (wait) await settled(wanted ?? [], seen);
    const found = wanted
      ? wanted.map((uri): [vscode.Uri, vscode.Diagnostic[]] => [uri, vscode.languages.getDiagnostics(uri)])
      : vscode.languages.getDiagnostics();
    const items = found
      .map(([uri, all]) => ({ uri, others: all.filter((each) => each.source !== OWN_SOURCE) }))
      .filter(({ uri, others }) => others.length > 0 || seen.has(uri))
      .map(({ uri, others }) => ({
        uri: client.code2ProtocolConverter.asUri(uri),
        diagnostics: client.code2ProtocolConverter.asDiagnosticsSync(others),
      }));
    return { items };
  });

  for (const [method, command] of [
    ['roo/definition', 'vscode.executeDefinitionProvider'],
    ['roo/references', 'vscode.executeReferenceProvider'],
  ] as const) {
    client.onRequest(method, async (params: TextDocumentPositionParams | ReferenceParams) => {
      const uri = await loaded(uriOf(params.textDocument.uri));
      if (!uri) return null;
      const position = client.protocol2CodeConverter.asPosition(params.position);
      const found = await vscode.commands.executeCommand<(vscode.Location | vscode.LocationLink)[]>(
        command,
        uri,
        position,
      );
      if (found.length > 0) return locations(found);
      // VS Code says "none" where nobody can tell, too: who knows the file's symbols could have told.
      return (await symbols(uri)).length > 0 ? [] : null;
    });
  }

  client.onRequest('roo/hover', async (params: HoverParams) => {
    const uri = await loaded(uriOf(params.textDocument.uri));
    if (!uri) return null;
    const position = client.protocol2CodeConverter.asPosition(params.position);
    const found = await vscode.commands.executeCommand<vscode.Hover[]>(
      'vscode.executeHoverProvider',
      uri,
      position,
    );
    const value = found
      .flatMap((each) => each.contents.map(markdown))
      .filter(Boolean)
      .join('\n\n');
    return value ? { contents: { kind: 'markdown', value } } : null;
  });

  client.onRequest(
    'roo/documentSymbol',
    async (params: { textDocument: { uri: string } }): Promise<object[] | null> => {
      const uri = await loaded(uriOf(params.textDocument.uri));
      const found = uri ? await symbols(uri) : [];
      if (found.length === 0) return null;
      return 'children' in (found[0] as object)
        ? (found as vscode.DocumentSymbol[]).map((each) => nested(client, each))
        : (found as vscode.SymbolInformation[]).map((each) => flat(client, each));
    },
  );

  client.onRequest('roo/workspaceSymbol', async ({ query }: { query: string }) => {
    const found = await vscode.commands.executeCommand<vscode.SymbolInformation[]>(
      'vscode.executeWorkspaceSymbolProvider',
      query,
    );
    return found.length > 0 ? found.map((each) => flat(client, each)) : null;
  });

  client.onRequest('roo/rename', async (params: RenameParams) => {
    const uri = await loaded(uriOf(params.textDocument.uri));
    if (!uri) return null;
    const position = client.protocol2CodeConverter.asPosition(params.position);
    const edit = await vscode.commands.executeCommand<vscode.WorkspaceEdit | undefined>(
      'vscode.executeDocumentRenameProvider',
      uri,
      position,
      params.newName,
    );
    return edit && edit.size > 0 ? textEdits(client, edit) : null;
  });
}

/** Saving, in the order that the server needs: it has `didSave` before it has the answer. */
export class Saves {
  private readonly told = new vscode.EventEmitter<vscode.TextDocument>();

  /** The middleware that sees each `didSave` go out. */
  readonly didSave = async (
    document: vscode.TextDocument,
    next: (document: vscode.TextDocument) => Promise<void>,
  ) => {
    await next(document);
    this.told.fire(document);
  };

  /** True once the document is on disk and the server was told. */
  async save(document: vscode.TextDocument): Promise<boolean> {
    let listening: vscode.Disposable | undefined;
    const sent = new Promise<void>((resolve) => {
      listening = this.told.event((each) => each === document && resolve());
    });
    try {
      if (!(await document.save())) return false;
      await sent;
      return true;
    } finally {
      listening?.dispose();
    }
  }
}

/** Which files other extensions have looked at: those that had diagnostics, or had them taken away. */
export class Seen implements vscode.Disposable {
  private readonly uris = new Set<string>();
  private readonly kinds = new Set<string>();
  private readonly listening = vscode.languages.onDidChangeDiagnostics(({ uris }) => {
    for (const uri of uris) this.look(uri);
  });

  constructor() {
    for (const [uri] of vscode.languages.getDiagnostics()) this.look(uri);
  }

  has(uri: vscode.Uri): boolean {
    return this.uris.has(uri.toString());
  }

  /** True where a file of its kind was looked at. */
  hasKindOf(uri: vscode.Uri): boolean {
    return this.kinds.has(kind(uri));
  }

  dispose(): void {
    this.listening.dispose();
  }

  private look(uri: vscode.Uri): void {
    const found = vscode.languages.getDiagnostics(uri);
    if (!this.has(uri) && !found.some((each) => each.source !== OWN_SOURCE)) return;
    this.uris.add(uri.toString());
    this.kinds.add(kind(uri));
  }
}

const kind = (uri: vscode.Uri) => uri.path.slice(uri.path.lastIndexOf('.'));

function open(uri: vscode.Uri): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find((each) => each.uri.toString() === uri.toString());
}

/** The file, known to its language servers; nothing for what cannot be opened or is Roo's alone. */
async function loaded(uri: vscode.Uri): Promise<vscode.Uri | undefined> {
  if (TASK_DOCUMENT.test(uri.path)) return undefined;
  try {
    const document = await vscode.workspace.openTextDocument(uri);
    await started(document);
    return document.uri;
  } catch {
    return undefined;
  }
}

/** Languages whose extensions had their time to start. */
const waitedFor = new Set<string>();

/**
 * The first file of a language starts its extension, and until that has registered itself VS Code answers
 * "none": its symbols tell when it is there. Once for each language, because there may be no extension at all.
 */
async function started({ languageId, uri }: vscode.TextDocument): Promise<void> {
  if (waitedFor.has(languageId)) return;
  const end = Date.now() + START_MS;
  while (Date.now() < end && (await symbols(uri)).length === 0) {
    await new Promise((resolve) => setTimeout(resolve, START_MS / 40));
  }
  waitedFor.add(languageId);
}

async function symbols(uri: vscode.Uri): Promise<(vscode.DocumentSymbol | vscode.SymbolInformation)[]> {
  return (await vscode.commands.executeCommand('vscode.executeDocumentSymbolProvider', uri)) ?? [];
}

/** Resolves once the diagnostics of the files have changed and are quiet, or after the limit. */
function settled(uris: vscode.Uri[], seen: Seen): Promise<void> {
  const limit = uris.some((uri) => seen.hasKindOf(uri)) ? LOOKED_AT_MS : UNKNOWN_MS;
  const wanted = new Set(uris.map(String));
  return new Promise((resolve) => {
    let quiet: NodeJS.Timeout | undefined;
    const done = () => {
      listening.dispose();
      clearTimeout(quiet);
      clearTimeout(end);
      resolve();
    };
    const end = setTimeout(done, limit);
    const listening = vscode.languages.onDidChangeDiagnostics((event) => {
      if (!event.uris.some((uri) => wanted.has(uri.toString()))) return;
      clearTimeout(quiet);
      quiet = setTimeout(done, QUIET_MS);
    });
  });
}

function markdown(content: vscode.MarkdownString | vscode.MarkedString): string {
  if (typeof content === 'string') return content;
  return 'language' in content ? `\`\`\`${content.language}\n${content.value}\n\`\`\`` : content.value;
}

function nested(client: LanguageClient, symbol: vscode.DocumentSymbol): DocumentSymbol {
  const convert = client.code2ProtocolConverter;
  return {
    name: symbol.name,
    detail: symbol.detail,
    kind: convert.asSymbolKind(symbol.kind),
    range: convert.asRange(symbol.range),
    selectionRange: convert.asRange(symbol.selectionRange),
    children: symbol.children.map((each) => nested(client, each)),
  };
}

function flat(client: LanguageClient, symbol: vscode.SymbolInformation): SymbolInformation {
  const convert = client.code2ProtocolConverter;
  return {
    name: symbol.name,
    kind: convert.asSymbolKind(symbol.kind),
    containerName: symbol.containerName,
    location: convert.asLocation(symbol.location),
  };
}

/** The edit with the versions it was made for, so that one that is too late is noticed. */
function textEdits(client: LanguageClient, edit: vscode.WorkspaceEdit): WorkspaceEdit {
  return {
    documentChanges: edit.entries().map(([uri, edits]) => ({
      textDocument: { uri: client.code2ProtocolConverter.asUri(uri), version: open(uri)?.version ?? null },
      edits: edits.map((each) => client.code2ProtocolConverter.asTextEdit(each)),
    })),
  };
}

import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { FromView, ToView } from './shared/protocol';

/** The webview: a page that draws what it is told, and tells what the user does. */
export class View implements vscode.WebviewViewProvider {
  private view: vscode.WebviewView | undefined;
  private listening = false;

  constructor(
    private readonly root: vscode.Uri,
    private readonly take: (message: FromView) => void,
    /** It is seen now, or not any more. */
    private readonly seen: () => void,
  ) {}

  get visible(): boolean {
    return this.view?.visible ?? false;
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    this.listening = false;
    const dist = vscode.Uri.joinPath(this.root, 'dist');
    view.webview.options = { enableScripts: true, localResourceRoots: [dist] };
    view.webview.onDidReceiveMessage((message: FromView) => {
      if (message.type === 'ready') this.listening = true;
      this.take(message);
    });
    view.onDidChangeVisibility(() => this.seen());
    view.onDidDispose(() => {
      this.view = undefined;
      this.listening = false;
    });
    view.webview.html = page(view.webview, dist);
  }

  /** Tell the page; one that is not there yet asks for everything when it comes. */
  post(message: ToView): void {
    if (this.listening) void this.view?.webview.postMessage(message);
  }

  badge(count: number): void {
    if (!this.view) return;
    this.view.badge = count > 0 ? { value: count, tooltip: `Roo waits for you: ${count}` } : undefined;
  }
}

/** Nothing but our own script, style and font: no network, no inline script, no image. */
function page(webview: vscode.Webview, dist: vscode.Uri): string {
  const nonce = randomBytes(16).toString('base64');
  const uri = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(dist, name)).toString();
  const policy = `default-src 'none'; style-src ${webview.cspSource}; font-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${uri('view.css')}">
<title>Roo</title>
</head>
<body>
<script nonce="${nonce}" src="${uri('view.js')}"></script>
</body>
</html>`;
}

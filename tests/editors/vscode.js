// Drives a VS Code in headless Chromium for vscode.py: lines of JSON in, lines of JSON out.
//
//     node vscode.js PLAYWRIGHT_FOLDER URL   with {"id": 1, "code": "await page.keyboard.press('F1')", "given": {}}
//
// The code is the body of an async function of `page`, `view` (the frame of Roo's view) and `given`; what it
// returns, or the error it throws, is the answer.
'use strict';
const { createInterface } = require('node:readline');

const [playwright, url, colours] = process.argv.slice(2);
const { chromium } = require(playwright);
const AsyncFunction = (async () => {}).constructor;

async function main() {
  const browser = await chromium.launch({
    executablePath: process.env.ROO_CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
  });
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    colorScheme: colours === 'light' ? 'light' : 'dark',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const said = [];
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`.slice(0, 300)));
  page.on('pageerror', (error) => said.push(`error: ${error.message}`.slice(0, 300)));
  await page.goto(url);
  // The extension's status bar item: before it is there, the palette does not know its commands either.
  await page.locator('.part.statusbar [id="roo-lsp.roo-lsp.rooLsp.status"]').waitFor();
  const view = page.frameLocator('iframe.webview.ready').last().frameLocator('iframe#active-frame');
  console.log(JSON.stringify({ id: 0 }));
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, code, given } = JSON.parse(line);
    try {
      const result = await new AsyncFunction('page', 'view', 'said', 'given', code)(page, view, said, given);
      console.log(JSON.stringify({ id, result: result ?? null }));
    } catch (error) {
      console.log(JSON.stringify({ id, error: String(error?.stack ?? error).slice(0, 4000) }));
    }
  }
  await browser.close();
}

main().catch((error) => {
  console.log(JSON.stringify({ id: 0, error: String(error) }));
  process.exit(1);
});

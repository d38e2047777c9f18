// Formats the Lua of this folder with StyLua, or with --check says what is not formatted.
//
//   npm install --no-save --ignore-scripts --prefix FOLDER @johnnymorganz/stylua@2.5.2
//   node editors/neovim/format.mjs [--check] FOLDER
//
// It is StyLua as WebAssembly, which does not read stylua.toml: the same is said here.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const words = process.argv.slice(2);
const check = words[0] === '--check';
const require = createRequire(join(resolve(words.at(-1)), 'package.json'));
const { formatCode, Config, IndentType, OutputVerification, QuoteStyle } = require('@johnnymorganz/stylua');

function config() {
  const config = Config.new();
  config.column_width = 120;
  config.indent_type = IndentType.Spaces;
  config.indent_width = 2;
  config.quote_style = QuoteStyle.AutoPreferSingle;
  return config;
}

const here = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
const files = readdirSync(here, { recursive: true }).filter(
  (name) => name.endsWith('.lua') && name !== 'minimal.lua', // kept short enough to paste
);
for (const name of files.sort()) {
  const before = readFileSync(join(here, name), 'utf8');
  const after = formatCode(before, config(), undefined, OutputVerification.Full);
  if (before !== after) {
    console.log(`${check ? 'not formatted' : 'formatted'}: ${name}`);
    if (check) process.exitCode = 1;
    else writeFileSync(join(here, name), after);
  }
}

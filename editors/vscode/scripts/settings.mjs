// The settings page of package.json, made from the server's schema:
//
//     roo-lsp settings schema | node scripts/settings.mjs [--check]
//
// With --check nothing is written: it ends with 1 where package.json is not what the schema says.
import { readFileSync, writeFileSync } from 'node:fs';

const PACKAGE = new URL('../package.json', import.meta.url);

/** What must not come from a workspace: it lets Roo do more, or decides who sees a key. */
const WIDENING = [
  'autoApprove',
  'allowedCommands',
  'deniedCommands',
  'limits',
  'commands',
  'mcpServers',
  'customModes',
  'profiles',
  'provider.apiKeyEnv',
  'provider.apiKeyCommand',
  'provider.proxy',
  'provider.tls',
  'provider.headers',
  'provider.query',
];
/** A workspace that is trusted may set these; they decide where what you write is sent. */
const TRUSTED_ONLY = ['provider.baseUrl', 'profile', 'modeProfiles'];
/** Keys live in VS Code's secret storage, never in settings.json. */
const SECRET = ['provider.apiKey'];

const USER_ONLY =
  'Only in your user settings: a workspace cannot set it, and Roo asks once before it does more by it.';

const TITLES = {
  provider: 'Endpoint',
  model: 'Model',
  autoApprove: 'Approvals',
  limits: 'Limits',
  commands: 'Commands',
  files: 'Files',
  ui: 'Surfaces',
  general: 'General',
};
const ORDER = Object.keys(TITLES);

/** The extension's own settings, which the server is not told. */
const OWN = {
  'roo.server.path': {
    type: 'string',
    default: '',
    scope: 'machine',
    order: 0,
    markdownDescription:
      'The program `roo-lsp`, as a whole path. Empty: the one on `PATH`. Only in your user settings.',
  },
};

const starts = (path, names) => names.some((name) => path === name || path.startsWith(`${name}.`));

function page(schema) {
  const groups = new Map(ORDER.map((name) => [name, {}]));
  Object.assign(groups.get('general'), OWN);
  let order = 1;
  for (const [path, field] of leaves(schema, schema.$defs, '')) {
    if (!starts(path, SECRET)) {
      const head = path.split('.')[0];
      groups.get(ORDER.includes(head) ? head : 'general')[`roo.${path}`] = {
        ...property(path, field),
        order: order++,
      };
    }
  }
  return [...groups].map(([name, properties]) => ({ title: TITLES[name], properties }));
}

function* leaves(node, defs, prefix) {
  for (const [name, field] of Object.entries(node.properties)) {
    const inner = field.$ref && defs[field.$ref.split('/').at(-1)];
    if (inner?.properties) yield* leaves(inner, defs, `${prefix}${name}.`);
    else yield [`${prefix}${name}`, { ...inner, ...field }];
  }
}

/** One property of JSON Schema as VS Code draws it: `anyOf` with null becomes a list of types. */
function property(path, { title, description, $ref, anyOf, ...field }) {
  const made = { ...field };
  if (anyOf) {
    const { type, ...rest } = anyOf.find((each) => each.type !== 'null');
    Object.assign(made, rest, { type: [type, 'null'] });
  }
  if (made.type === 'object' && made.default === undefined) made.default = {};
  if (made.type === 'array' && made.default === undefined) made.default = [];
  if (path === 'customInstructions') made.editPresentation = 'multilineText';
  made.scope = starts(path, WIDENING)
    ? 'machine'
    : starts(path, TRUSTED_ONLY)
      ? 'machine-overridable'
      : 'window';
  made.markdownDescription = made.scope === 'machine' ? `${description} ${USER_ONLY}` : description;
  return made;
}

function restricted(pages) {
  const all = pages.flatMap((each) => Object.entries(each.properties));
  return all.filter(([, field]) => field.scope === 'machine-overridable').map(([name]) => name);
}

const schema = JSON.parse(readFileSync(0, 'utf8'));
const before = readFileSync(PACKAGE, 'utf8');
const manifest = JSON.parse(before);
manifest.contributes.configuration = page(schema);
manifest.capabilities.untrustedWorkspaces.restrictedConfigurations = restricted(
  manifest.contributes.configuration,
);
const after = `${JSON.stringify(manifest, null, 2)}\n`;
if (process.argv.includes('--check')) {
  if (after !== before) {
    console.error(
      'The settings page of package.json is not what the schema says. Run: roo-lsp settings schema | npm run settings',
    );
    process.exit(1);
  }
} else {
  writeFileSync(PACKAGE, after);
}

"""Node, its package managers, and what checks, formats and tests JavaScript.

What loads code or settings that an option names (`--require`, `--config`, `--plugin`, `--reporter`
with a path), writes (`--fix`, `--write`, `--outputFile`), or installs, is left out. A script of
package.json is the workspace's own code.
"""

ROWS = r"""
node, nodejs : SCRIPT OWNPATH* : builds stops nodash : node --help, Node.js 20-24
    -v --version -h --help -c --check --enable-source-maps --no-warnings --trace-warnings
    --trace-uncaught --trace-deprecation --no-deprecation --throw-deprecation --pending-deprecation
    --test --test-only --test-concurrency=N --test-name-pattern=TEXT --test-skip-pattern=TEXT
    --test-timeout=N --experimental-strip-types --max-old-space-size=N
deno, bun : : reads : deno 2.5; bun 1.3
    --version -V -v --revision --help -h
deno check, deno lint, deno doc, deno info : OWNPATH* : builds : deno 2.5
    -q --quiet --json
bun test : TEST* : builds : bun test --help, bun 1.3
    --timeout=N --bail?=N -t=TEXT --test-name-pattern=TEXT --only --todo --rerun-each=N
bun run : TARGET : builds : bun run --help, bun 1.3
    --silent

@npm : : : "Config", npm 11
    --silent -s --quiet -q --verbose -d --loglevel=silent|error|warn|notice|http|info|verbose|silly
    --if-present --ignore-scripts --workspaces -ws -w=NAME --workspace=NAME --include-workspace-root
    -iwr --json --long --parseable -l -p --color --no-color --offline --prefer-offline --no-audit
    --no-fund --foreground-scripts --no-update-notifier --depth=N
@passed : : : what jest 30, vitest 4, mocha 11 and node --test take alike, and the like of it
    --watch=false --watchAll=false --no-watch --run --coverage --verbose --silent --bail --ci
    --runInBand -i -t=TEXT --testNamePattern=TEXT --testPathPattern=TEXT --testPathPatterns=TEXT
    --grep=TEXT -g=TEXT --no-coverage --passWithNoTests --maxWorkers=N --forceExit --detectOpenHandles
    --onlyChanged --changed --color --no-color --check --max-warnings=N --quiet
    --reporter=dot|spec|verbose|list|default|min|line
npm : : reads : npm help, npm 11
    --version -v --help -h
pnpm, yarn : COMMAND : reads : npm 11; pnpm 10; yarn 4
    --version -v --help -h -r --recursive -s --silent -F=FILTER --filter=FILTER
npm test, npm t, npm tst, npm start : : builds : npm help test, npm 11
    @npm -- OWNPATH* @passed
npm run, npm run-script : TARGET? : builds : npm help run, npm 11
    @npm -- OWNPATH* @passed
npm ls, npm list, npm ll, npm la : NAME* : reads : npm help ls, npm 11
    @npm -a --all -g --global --link --package-lock-only --omit=dev|optional|peer --include=dev|optional|peer
npm outdated : NAME* : reads : npm help outdated, npm 11
    @npm -a --all -g --global
npm view, npm info, npm show : NAME* :  : npm help view, npm 11
    @npm
npm explain, npm why : NAME* : reads : npm help explain, npm 11
    @npm
npm query : TEXT : reads : npm help query, npm 11
    @npm
npm root, npm prefix, npm bin : : reads : npm help root, npm 11
    -g --global
npm audit : : reads : npm help audit, npm 11
    @npm --audit-level=info|low|moderate|high|critical|none --omit=dev|optional|peer --package-lock-only
npm audit signatures : : reads : npm help audit, npm 11
    @npm
npm config, npm pkg : : reads : npm help config, npm 11
npm config get, npm pkg get : NAME* : reads : npm help config, npm 11
    --json -g --global
npm exec, npm x : COMMAND : builds : npm help exec, npm 11
    --no --no-install --offline -q --quiet -s --silent
npm ci, npm install, npm i, npm publish, npm uninstall, npm update : : : npm 11
npx, bunx, pnpx : COMMAND : builds : npm help npx, npm 11
    --no --no-install --offline --prefer-offline -q --quiet -s --silent

pnpm test, pnpm t, pnpm start : OWNPATH* : builds : pnpm help test, pnpm 10
    @passed --silent -s -r --recursive -- OWNPATH* @passed
pnpm run : TARGET? OWNPATH* : builds stops : pnpm help run, pnpm 10
    --silent -s -r --recursive --if-present --parallel --sequential --stream --no-bail -w
    --workspace-root --filter=NAME
pnpm lint, pnpm build, pnpm typecheck, pnpm check, pnpm dev, pnpm format:check : : builds : scripts by usual names, pnpm 10
pnpm exec : COMMAND : builds : pnpm help exec, pnpm 10
    -r --recursive --parallel -w --workspace-root
pnpm list, pnpm ls, pnpm ll, pnpm la, pnpm why, pnpm outdated : NAME* : reads : pnpm help list, pnpm 10
    --depth=N --json --long --parseable -g --global -P --prod -D --dev -r --recursive --no-optional
    --only-projects --filter=NAME
pnpm root, pnpm bin : : reads : pnpm help root, pnpm 10
    -g --global
pnpm install, pnpm i, pnpm add, pnpm remove, pnpm update, pnpm publish, pnpm dlx : : : pnpm 10
yarn test, yarn start : OWNPATH* : builds : yarn help, yarn 4
    @passed -- OWNPATH* @passed
yarn run : TARGET? OWNPATH* : builds stops : yarn help run, yarn 4
    -T --top-level -B --binaries-only --silent -s
yarn lint, yarn build, yarn typecheck, yarn check, yarn dev, yarn format:check : : builds : scripts by usual names, yarn 4
yarn exec : COMMAND : builds : yarn help exec, yarn 4
yarn workspaces : : reads : yarn help workspaces, yarn 4
yarn workspaces list : : reads : yarn help workspaces list, yarn 4
    --json -v --verbose -R --recursive --since
yarn why : NAME : reads : yarn help why, yarn 4
    -R --recursive --json --peers
yarn list, yarn info, yarn outdated : NAME* : reads : yarn 1.22, yarn 4
    --depth=N --json --pattern=TEXT -A --all -R --recursive
yarn install, yarn add, yarn remove, yarn publish, yarn dlx, yarn up : : : yarn 4

eslint : OWNPATH* : builds : eslint --help, ESLint 9
    --ext=TEXT --global=NAME --no-inline-config --report-unused-disable-directives --quiet
    --max-warnings=N --no-ignore --ignore-pattern=TEXT --no-eslintrc --no-config-lookup --color
    --no-color --no-error-on-unmatched-pattern --exit-on-fatal-error --no-warn-ignored
    --pass-on-no-patterns --debug -h --help -v --version --env-info --stats --fix-dry-run --rule=TEXT
    -f=stylish|json|html|json-with-metadata|compact|unix --format=stylish|json|html|json-with-metadata
    --concurrency=N|auto|off
prettier : OWNPATH* : builds : prettier --help, Prettier 3.6; without --write it prints
    -c --check -l --list-different --no-color --color --no-config --no-editorconfig --log-level=NAME
    --ignore-unknown -u --no-error-on-unmatched-pattern --no-plugin-search --support-info
    --file-info=PATH --find-config-path=PATH --with-node-modules --tab-width=N --print-width=N
    --single-quote --no-semi --trailing-comma=all|es5|none --parser=babel|babel-ts|typescript|css|scss|less|json|json5|markdown|mdx|html|vue|yaml|graphql
    --stdin-filepath=PATH --end-of-line=lf|crlf|cr|auto --version -v --help -h
tsc : SOURCE* : builds nodash : tsc --help --all, TypeScript 5.9; a boolean option takes true or false
    --noEmit -p=PATH --project=PATH -h --help --all -v --version --showConfig --listFiles
    --listFilesOnly --explainFiles --pretty --strict --skipLibCheck --traceResolution
    --extendedDiagnostics --diagnostics --noErrorTruncation --noUnusedLocals --noUnusedParameters
    --noImplicitAny --noImplicitReturns --noImplicitOverride --noUncheckedIndexedAccess
    --strictNullChecks --allowJs --checkJs --esModuleInterop --resolveJsonModule --isolatedModules
    --target=NAME -t=NAME --module=NAME -m=NAME --moduleResolution=NAME --lib=NAME --jsx=NAME
    --noFallthroughCasesInSwitch --exactOptionalPropertyTypes --forceConsistentCasingInFileNames
    --ignoreDeprecations=N --verbatimModuleSyntax --allowImportingTsExtensions
vue-tsc : SOURCE* : builds nodash : vue-tsc 3.1, as tsc
    --noEmit -p=PATH --project=PATH --pretty --skipLibCheck --strict
jest : OWNPATH* : builds nodash : jest --help, jest 30
    --bail?=N -b --ci --clearMocks --color --colors --coverage --no-coverage --debug
    --detectOpenHandles --errorOnDeprecated --expand -e --findRelatedTests --forceExit -f
    --onlyFailures --json --lastCommit --listTests --logHeapUsage --maxConcurrency=N --maxWorkers=N|50%
    -w=N --no-cache --noStackTrace --notify=false --onlyChanged -o --passWithNoTests --randomize
    --resetMocks --restoreMocks --runInBand -i --runTestsByPath --seed=N --shard=TEXT --showConfig
    --showSeed --silent --testNamePattern=TEXT -t=TEXT --testPathPattern=TEXT --testPathPatterns=TEXT
    --testPathIgnorePatterns=TEXT --testTimeout=N --verbose --watch=false --watchAll=false
    --watchman=false --version --help -h --changedSince=NAME --selectProjects=NAME
vitest : OWNPATH* : builds : vitest --help, vitest 4
    --run --coverage --ui=false --watch=false -t=TEXT --testNamePattern=TEXT --silent
    --passWithNoTests --bail=N --retry=N --changed?=NAME --shard=TEXT --no-color --dom --logHeapUsage
    --reporter=default|verbose|dot|tap|json|junit|basic|tree --allowOnly --testTimeout=N --project=NAME
    --no-file-parallelism --typecheck -v --version -h --help --hideSkippedTests --globals
vitest run, vitest list, vitest related : OWNPATH* : builds : vitest --help, vitest 4
    --coverage -t=TEXT --testNamePattern=TEXT --silent --passWithNoTests --bail=N --retry=N
    --changed?=NAME --shard=TEXT --no-color --dom --reporter=default|verbose|dot|tap|json|junit|basic|tree
    --testTimeout=N --project=NAME --no-file-parallelism --typecheck --hideSkippedTests --globals
mocha : OWNPATH* : builds : mocha --help, mocha 11
    -b --bail -C --no-color -c --color -f=TEXT --fgrep=TEXT -g=TEXT --grep=TEXT -i --invert
    --forbid-only --forbid-pending --full-trace --recursive -s=N --slow=N -t=N --timeout=N
    --retries=N --dry-run --exit --parallel -j=N --jobs=N --check-leaks --sort -h --help -V --version
    -R=spec|dot|min|tap|list|json|nyan|progress --reporter=spec|dot|min|tap|list|json|nyan|progress
playwright : : reads : playwright --help, Playwright 1.56
    --version -V --help -h
playwright test : OWNPATH* : builds : playwright test --help, Playwright 1.56
    --project=NAME -g=TEXT --grep=TEXT --grep-invert=TEXT -j=N --workers=N --retries=N --repeat-each=N
    --reporter=list|line|dot|null --list -x --max-failures=N --timeout=N --shard=TEXT --quiet
    --forbid-only --fully-parallel --pass-with-no-tests --last-failed --headed
deno test : OWNPATH* : builds : deno test --help, deno 2.5; without permissions
    -q --quiet --no-check --fail-fast?=N --filter=TEXT --parallel --doc --no-run --trace-leaks
biome : : reads : biome --help, Biome 2.3
    --version -V --help -h
biome check, biome lint, biome format, biome ci : OWNPATH* : builds : biome check --help, Biome 2.3
    --colors=off|force --verbose --max-diagnostics=N --diagnostic-level=info|warn|error
    --error-on-warnings --no-errors-on-unmatched --changed --staged --skip-parse-errors
    --reporter=json|json-pretty|github|junit|summary|gitlab --since=NAME
"""

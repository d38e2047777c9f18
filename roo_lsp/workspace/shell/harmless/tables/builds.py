"""Build tools of compiled languages, and make.

They run code of the workspace, which is what an entry for them says. What makes them run or read
something else (`-f`, `--config`, `-exec`, `--init-script`, `-D`, variables of make), or write
elsewhere (`-o`, `--target-dir`), or what changes dependencies and installs, is left out.
"""

ROWS = r"""
make, gmake : TARGET* : builds : make(1), GNU make 4.3; a NAME=value is a variable that recipes run
    -B --always-make -C=PATH --directory=PATH -d --debug?=NAME -i --ignore-errors -h --help -j?=N
    --jobs?=N -k --keep-going -l?=N --load-average?=N -n --just-print --dry-run --recon -O?=NAME
    --output-sync?=NAME -p --print-data-base -q --question -r --no-builtin-rules -R
    --no-builtin-variables -s --silent --quiet --no-silent -S --no-keep-going --stop --trace -v
    --version -w --print-directory --no-print-directory --warn-undefined-variables
ninja : TARGET* : builds : ninja --help, ninja 1.13
    --version -h --help -v --verbose --quiet -C=PATH -j=N -k=N -l=N -n -d=stats|explain
just : TARGET* : builds : just --help, just 1.43
    -l --list --summary -n --dry-run -q --quiet -v --verbose --dump --evaluate --variables --show=NAME
    -s=NAME --unsorted -u --color=auto|always|never --version -V --help -h --highlight --no-highlight
task : TARGET* : builds : task --help, task 3.45
    -l --list -a --list-all -n --dry -s --silent -v --verbose --summary --version --help -h -f --force
    --status -c --color -p --parallel

cargo : : reads : cargo help, cargo 1.95
    --version -V --list -h --help -v --verbose -q --quiet --offline --locked --frozen
    --color=auto|always|never
@cargo : : : cargo help build, cargo 1.95
    -p=NAME --package=NAME --workspace --all --exclude=NAME --lib --bin=NAME --bins --example=NAME
    --examples --test=NAME --tests --bench=NAME --benches --all-targets -F=NAME --features=NAME
    --all-features --no-default-features -r --release --profile=NAME -j=N --jobs=N --keep-going
    --target=TRIPLE --message-format=human|short|json --ignore-rust-version -v -vv --verbose -q --quiet
    --color=auto|always|never --locked --offline --frozen -h --help
cargo build, cargo b : : builds : cargo help build, cargo 1.95
    @cargo
cargo check, cargo c : : builds : cargo help check, cargo 1.95
    @cargo
cargo clippy : : builds : cargo clippy --help, cargo 1.95
    @cargo --no-deps
    -- -D=LINT -W=LINT -A=LINT -F=LINT
cargo test, cargo t : TESTNAME? : builds : cargo help test, cargo 1.95; libtest --help, rustc 1.95
    @cargo --no-run --no-fail-fast --doc
    -- TESTNAME* --nocapture --no-capture --ignored --include-ignored --exact --list --test-threads=N
    --skip=TESTNAME --show-output -q --quiet --color=auto|always|never --format=pretty|terse|json
cargo bench : TESTNAME? : builds : cargo help bench, cargo 1.95
    @cargo --no-run --no-fail-fast
cargo nextest : : builds : cargo nextest --help, nextest 0.9
cargo nextest run : TESTNAME* : builds : cargo nextest run --help, nextest 0.9
    @cargo --no-fail-fast --no-capture -E=TEXT --test-threads=N --retries=N
cargo run, cargo r : : : cargo help run, cargo 1.95
    @cargo
cargo doc : : builds : cargo help doc, cargo 1.95
    @cargo --no-deps --document-private-items
cargo fmt : : : cargo fmt --help, rustfmt 1.8
    --check --all -p=NAME --package=NAME -q --quiet -v --verbose -h --help
    -- --check --color=always|never|auto -l
cargo tree : : reads : cargo help tree, cargo 1.95
    -i?=NAME --invert?=NAME --prune=NAME --depth=N --no-dedupe -d --duplicates -e=NAME --edges=NAME
    --charset=utf8|ascii -f=TEXT --format=TEXT --prefix=indent|depth|none -p=NAME --package=NAME
    --workspace --exclude=NAME -F=NAME --features=NAME --all-features --no-default-features
    --target=NAME --locked --offline --frozen -v -q
cargo metadata : : reads : cargo help metadata, cargo 1.95
    --no-deps --format-version=N --filter-platform=NAME -F=NAME --features=NAME --all-features
    --no-default-features --locked --offline --frozen -q --quiet
cargo pkgid, cargo locate-project, cargo version, cargo verify-project : : reads : cargo help, cargo 1.95
    -q --quiet -v --verbose --workspace --message-format=plain|json
cargo search, cargo info : NAME :  : cargo help search, cargo 1.95
    --limit=N
rustc : : reads : rustc --help, rustc 1.95
    -V --version -v --verbose -vV -h --help --explain=NAME
rustfmt : OWNPATH* : : rustfmt --help, rustfmt 1.8; writes the files it is given
    --check --color=always|never|auto -l --files-with-diff -q --quiet -v --verbose -V --version
    --edition=N

@go : : : go help build, go 1.25
    -n -p=N -race -msan -asan -cover -covermode=set|count|atomic -v -x -buildvcs=true|false|auto
    -compiler=gc -mod=readonly|vendor -tags=NAME -trimpath -a
go : : reads : go help, go 1.25
go build : PACKAGES* : builds onedash booleans : go help build, go 1.25
    @go
go vet : PACKAGES* : builds onedash booleans : go help vet, go 1.25
    @go -json -c=N
go test : PACKAGES* : builds onedash booleans : go help test, go help testflag, go 1.25
    @go -bench=TEXT -benchtime=NAME -benchmem -count=N -cpu=NS -failfast -fullpath -fuzztime=NAME
    -json -list=TEXT -parallel=N -run=TEXT -short -shuffle=off|on|N -skip=TEXT -timeout=N|NAME
    -coverpkg=PACKAGES -vet=off|all
go list : PACKAGES* : reads onedash booleans : go help list, go 1.25
    @go -f=TEXT -json?=NAME -m -u -versions -deps -test -e -find -retracted
go doc : NAME NAME? : reads onedash booleans : go help doc, go 1.25
    -all -c -cmd -short -src -u
go env : NAME* : reads onedash booleans : go help env, go 1.25
    -json -changed
go version : : reads onedash booleans : go help version, go 1.25
    -m -v
go fmt : PACKAGES* : : go help fmt, go 1.25
    -n -x
go mod : : reads : go help mod, go 1.25
go mod graph, go mod verify : : reads onedash booleans : go help mod graph, go 1.25
    -x
go mod why : NAME* : reads onedash booleans : go help mod why, go 1.25
    -m -vendor
go mod tidy, go mod download : : : go help mod tidy, go 1.25
go run : GOMAIN : onedash booleans stops : go help run, go 1.25
    @go
go generate, go get, go install, go clean, go tool, go work : : : go 1.25
gofmt : OWNPATH* : reads : gofmt -h, go 1.25
    -d -e -l -s
golangci-lint : : reads : golangci-lint help, golangci-lint 2.5
    --version -h --help
golangci-lint run : PACKAGES* : builds : golangci-lint run --help, golangci-lint 2.5
    -v --verbose --timeout=NAME -E=NAME --enable=NAME -D=NAME --disable=NAME --tests
    --new --new-from-rev=NAME --max-issues-per-linter=N --max-same-issues=N --show-stats
    --color=always|auto|never -j=N --concurrency=N

# What follows --version or --help of cmake is a file that it writes.
cmake : PATH?!--version,-version,--help,-help,-h : builds onedash nodash : cmake(1), CMake 3.25
    --version -version --help -help -h -S=PATH -B=NEWPATH -G=TEXT --build=PATH -j?=N --parallel?=N
    --target=TARGET -t=TARGET --config=NAME --clean-first --verbose -v --preset=NAME --list-presets
    -DCMAKE_BUILD_TYPE=Debug|Release|RelWithDebInfo|MinSizeRel
    -DCMAKE_EXPORT_COMPILE_COMMANDS=ON|OFF|1|0 -DBUILD_TESTING=ON|OFF|1|0 -Wno-dev -Wdev -Wdeprecated -Wno-deprecated --fresh
ctest : : builds : ctest(1), CMake 3.25-4.1
    --version --help -C=NAME -V --verbose -VV -Q --quiet -N --show-only --output-on-failure
    --stop-on-failure -F -j=N --parallel=N -R=TEXT --tests-regex=TEXT -E=TEXT --exclude-regex=TEXT
    -L=TEXT --label-regex=TEXT -LE=TEXT --progress --rerun-failed --test-dir=PATH --timeout=N
    --no-tests=error|ignore --repeat=NAME -I=NS
mvn, mvnw : clean|validate|compile|test|test-compile|package|verify|dependency:tree|dependency:list|dependency:analyze|help:effective-pom|checkstyle:check|spotbugs:check|spotless:check|process-classes|process-test-classes|integration-test* : builds nodash onedash : mvn --help, Maven 3.8-3.9
    -v --version -V -h --help -q --quiet -X --debug -e --errors -B --batch-mode -ntp
    --no-transfer-progress -o --offline -fae --fail-at-end -ff --fail-fast -fn --fail-never -U
    --update-snapshots -am --also-make -amd --also-make-dependents -pl=NAME --projects=NAME -T=N
    --threads=N -nsu --no-snapshot-updates -N --non-recursive
    -DskipTests?=true -Dmaven.test.skip?=true -DskipITs?=true -Dtest=TEXT
    -DfailIfNoTests=false -Dsurefire.failIfNoSpecifiedTests=false -DtrimStackTrace=false
    -Dstyle.color=always|never|auto
gradle, gradlew : TASK* : builds nodash : gradle --help, Gradle 9.1
    -v --version -h --help -q --quiet -i --info -d --debug -w --warn -s --stacktrace -S
    --full-stacktrace --console=auto|plain|rich|verbose|colored --offline --continue --no-continue
    --dry-run -m --rerun-tasks --refresh-dependencies --daemon --no-daemon --parallel --no-parallel
    --build-cache --no-build-cache --configuration-cache --no-configuration-cache
    --max-workers=N --profile --tests=TEXT -x=TASK --exclude-task=TASK --warning-mode=all|fail|summary|none
    --all --configuration=NAME --dependency=NAME --status --priority=low|normal
dotnet : : reads : dotnet --help, .NET 9
    --version --info --list-sdks --list-runtimes -h --help
@dotnet : : : dotnet build --help, .NET 9
    -c=NAME --configuration=NAME -f=NAME --framework=NAME -r=NAME --runtime=NAME -v=NAME
    --verbosity=NAME --nologo --no-restore --no-dependencies --no-incremental -h --help -a=NAME --arch=NAME
    --os=NAME --tl:off --tl:auto --disable-build-servers
dotnet build : OWNPATH? : builds nodash : dotnet build --help, .NET 9
    @dotnet
dotnet test : OWNPATH? : builds nodash : dotnet test --help, .NET 9
    @dotnet --filter=TEXT --no-build --list-tests -t
dotnet restore : OWNPATH? : : dotnet restore --help, .NET 9
    @dotnet
dotnet format : OWNPATH? : : dotnet format --help, .NET 9; writes without --verify-no-changes
    --verify-no-changes --no-restore --severity=info|warn|error -v=NAME --verbosity=NAME
dotnet list : OWNPATH? : reads nodash : dotnet list --help, .NET 9
    -h --help
dotnet list package : : reads nodash : dotnet list package --help, .NET 9
    --outdated --deprecated --vulnerable --include-transitive --highest-minor --highest-patch
    --framework=NAME --format=console|json
dotnet list reference : : reads nodash : dotnet list reference --help, .NET 9
dotnet run, dotnet publish, dotnet add, dotnet new, dotnet tool, dotnet nuget : : : .NET 9
phpunit : OWNPATH* : builds : phpunit --help, PHPUnit 12
    --filter=TEXT --testsuite=NAME --group=NAME --exclude-group=NAME --stop-on-failure
    --stop-on-error --testdox --colors?=always|never|auto --no-coverage --no-progress --list-tests
    --version -h --help --display-warnings --display-deprecations --no-configuration
mix : : reads : mix help, Elixir 1.19
    --version -v --help
mix test : TESTLINE* : builds : mix help test, Elixir 1.19
    --trace --stale --failed --color --no-color --max-failures=N --only=NAME --exclude=NAME
    --include=NAME --seed=N --slowest=N --cover --no-start --raise --partitions=N
mix compile, mix deps : : builds : mix help compile, Elixir 1.19
    --warnings-as-errors --force
mix format : OWNPATH* : : mix help format, Elixir 1.19; writes without --check-formatted
    --check-formatted --dry-run
mix credo, mix dialyzer : : builds : mix help credo, Credo 1.7
    --strict
bazel, bazelisk : : reads : bazel help, Bazel 8.4
bazel test, bazelisk test, bazel build, bazelisk build : LABEL* : builds : bazel help test, Bazel 8.4
    --test_output=all|errors|summary|streamed --keep_going -k --nocache_test_results
    --test_filter=TEXT --verbose_failures -c=opt|dbg|fastbuild --jobs=N --noshow_progress
bazel query, bazelisk query : TEXT : reads : bazel help query, Bazel 8.4
    --output=label|label_kind|build|graph|package --keep_going --noshow_progress
flutter, dart : : reads : flutter help, Flutter 3.35
    --version -h --help
flutter analyze, dart analyze, flutter test, dart test : OWNPATH* : builds : flutter help test, Flutter 3.35
    --fatal-infos --fatal-warnings --no-pub --coverage --name=TEXT --plain-name=TEXT -j=N
    --concurrency=N
zig : : reads : zig --help, zig 0.15
zig version, zig env, zig targets : : reads : zig --help, zig 0.15
zig build : TARGET? : builds : zig build --help, zig 0.15
    -l --list-steps --verbose -h --help --summary=all|new|failures|none
java, javac : : reads : java(1), javac(1), JDK 17-25
    -version --version -fullversion -help --help
swift : : reads : swift help, Swift 6.2
    --version --help
swift build, swift test : : builds : swift test --help, Swift 6.2
    -c=debug|release --configuration=debug|release -v --verbose -q --quiet --parallel --filter=TEXT
    --skip=TEXT -j=N --jobs=N --list-tests
ruby : SCRIPT OWNPATH* : builds stops nodash : ruby --help, Ruby 3.4
    -v --version -c -w -W0 -W1 -W2 --help -h
bundle : : reads : bundle help, Bundler 2.7
    -v --version --help
bundle exec : COMMAND : builds : bundle help exec, Bundler 2.7
bundle list, bundle check, bundle outdated : : reads : bundle help, Bundler 2.7
    --name-only --paths --dry-run
bundle show, bundle info : NAME? : reads : bundle help info, Bundler 2.7
    --path --version
rspec : TESTLINE* : builds : rspec --help, RSpec 3.13
    -b --backtrace -c --color --no-color -e=TEXT --example=TEXT --fail-fast?=N --no-fail-fast
    -f=p|progress|d|doc|documentation|j|json --format=progress|documentation|json --order=NAME
    --seed=N -t=NAME --tag=NAME --dry-run -w --warnings -p --profile?=N --only-failures -n
    --next-failure -h --help -v --version
rubocop : OWNPATH* : builds : rubocop --help, RuboCop 1.81
    -l --lint --only=NAME --except=NAME -f=p|progress|s|simple|j|json|o|offenses|c|clang|e|emacs
    --format=progress|simple|json|offenses|clang|emacs --parallel --fail-level=NAME -F --fail-fast -d
    -D -E -S -P --no-parallel -v -V --version --cache=false --color --no-color --display-only-fail-level-offenses
rake : TARGET* : builds : rake --help, rake 13.3
    -T?=TEXT --tasks?=TEXT -n --dry-run -q --quiet -s --silent -v --verbose -t?=NAME --trace?=NAME -P
    --prereqs -A --all -D?=TEXT --describe?=TEXT -W?=TEXT --where?=TEXT -j?=N -m -V --version -H --help
php : SCRIPT OWNPATH* : builds stops nodash : php --help, PHP 8.4
    -v --version -m -i -h --help -l
perl : SCRIPT OWNPATH* : builds stops nodash : perlrun(1), Perl 5.40
    -v -c -w -W -t -T
bash, sh, dash, zsh, ksh : SCRIPT OWNPATH* : builds stops nodash : bash(1), bash 5.2; +n takes -n back
    -n -x -v -e -u --norc --noprofile --posix --version --help
shellcheck : PATH* : reads : shellcheck --help, ShellCheck 0.11
    -a --check-sourced -C?=auto|always|never --color?=auto|always|never -i=NAME --include=NAME
    -e=NAME --exclude=NAME -f=checkstyle|diff|gcc|json|json1|quiet|tty --format=checkstyle|diff|gcc|json|json1|quiet|tty
    --list-optional --norc -o=NAME --enable=NAME -s=sh|bash|dash|ksh|busybox --shell=sh|bash|dash|ksh|busybox
    -S=error|warning|info|style --severity=error|warning|info|style -V --version -W=N --help
hadolint : PATH* : reads : hadolint --help, hadolint 2.14
    --no-color --no-fail --ignore=NAME -t=NAME --failure-threshold=NAME -f=tty|json|checkstyle|codeclimate|gnu
    -V --version --help -h
"""

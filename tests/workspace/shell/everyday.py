"""What people have agents run all day, each under the entry that they would list for it.

Written before the tables were looked at: a question about one of these is one too many.
"""

EVERYDAY = """
[git log]
git log --oneline -20
git log -p -- src/app.py
git log --since=yesterday --author=ann
git log --graph --oneline --all --decorate
git log -n 3 --stat
git log origin/main..HEAD
[git diff]
git diff HEAD~1 -- src
git diff --cached --stat
git diff main...feature --name-only
git diff -w --color=never
[git show]
git show HEAD --stat
git show HEAD:src/app.py
[git status]
git status -sb
git status --porcelain=v1 -uno
[git]
git branch --show-current
git blame -L 10,20 src/app.py
git ls-files '*.py'
git rev-parse --short HEAD
git remote -v
git grep -n TODO -- src
git stash list
git describe --tags --always
[git add]
git add src/app.py tests
git add -A
[git commit]
git commit -m 'Fix the parser'
git commit -am "Say why"
[git push]
git push origin main
git push -u origin feature/x
[git fetch]
git fetch --all --prune
[git checkout]
git checkout -b feature/x
[ls]
ls -la
ls -R src
ls *.py
[cat]
cat package.json
cat src/a.py src/b.py
[head]
head -n 50 src/app.py
head -20 README.md
[tail]
tail -n +10 log.txt
tail -100 logs/out.log
[wc]
wc -l *.py
wc -l src/app.py
[grep]
grep -rn "def main" src
grep -rniE 'foo|bar' --include='*.ts' .
grep -c x$ README.md
grep -A3 -B3 -n pattern src/app.py
[rg]
rg -n 'class \\w+' src
rg --files -g '*.py'
rg -l TODO -t py
rg -i -C 2 'some text'
[find]
find . -name '*.py' -not -path './.venv/*'
find src -type f -mtime -1
find . -maxdepth 2 -type d
[sed -n]
sed -n '10,20p' src/app.py
sed -n '/start/,/end/p' src/app.py
[sed]
sed 's/foo/bar/g' README.md
[awk]
awk '{print $1}' a.txt
awk 'NR>=10 && NR<=20' src/app.py
awk -F: '{print $2}' a.txt
[sort|uniq|cut|head]
cut -d, -f2 a.csv | sort | uniq -c | sort -rn | head -5
sort -u a.txt
[diff]
diff -u a.txt b.txt
[jq]
jq '.scripts' package.json
jq -r '.dependencies | keys[]' package.json
[date]
date
date -Iseconds
date +%Y-%m-%d
[pwd|which|echo|command]
pwd
which python3
command -v node
echo "done"
[du|stat|file|tree]
du -sh src
stat src/app.py
file src/app.py
tree -L 2
[pytest]
pytest
pytest -q
pytest -x -q tests/test_a.py
pytest tests/test_a.py::test_b -vv
pytest -k 'a and not b' --tb=short
pytest --cov=app
pytest -n auto --maxfail=1
[python -m pytest]
python -m pytest -q tests
[uv run pytest]
uv run pytest -x
[uv run|ruff]
uv run ruff check .
[ruff]
ruff check .
ruff check src --output-format=concise
[ruff format --check]
ruff format --check .
[mypy]
mypy src
mypy --strict src/app.py
[pyright]
pyright src
[black --check]
black --check .
[python]
python script.py
python --version
[node]
node --version
node scripts/build.js
[npm test]
npm test
npm test -- --watch=false
[npm run]
npm run build
npm run lint
[npm ls]
npm ls --depth=0
[pnpm]
pnpm test
pnpm run build
[yarn]
yarn test
yarn lint
[npx tsc]
npx tsc --noEmit
[tsc]
tsc --noEmit -p tsconfig.json
[npx eslint]
npx eslint src
npx eslint src --ext .ts,.tsx
[eslint]
eslint . --max-warnings=0
[prettier]
prettier --check .
prettier --check 'src/**/*.ts'
[npx jest]
npx jest --coverage
npx jest src/a.test.ts -t 'adds numbers'
[npx vitest]
npx vitest run
[cargo test]
cargo test
cargo test parser -- --nocapture
cargo test --workspace --all-features
[cargo build]
cargo build --release
[cargo check]
cargo check --all-targets
[cargo clippy]
cargo clippy --all-targets -- -D warnings
[cargo fmt]
cargo fmt --check
cargo fmt -- --check
[go test]
go test ./...
go test -v -run TestParse ./pkg/parser
go test -race -count=1 ./...
[go build]
go build ./...
[go vet]
go vet ./...
[gofmt]
gofmt -l .
[make]
make
make test
make -j8 all
make -C build test
[cmake --build]
cmake --build build -j 4
[ctest]
ctest --test-dir build --output-on-failure
[mvn]
mvn -q test
mvn -B verify -DskipTests
[./gradlew]
./gradlew test
./gradlew :app:build --info
[dotnet test]
dotnet test --no-build
[dotnet build]
dotnet build -c Release
[docker ps]
docker ps -a
[docker logs]
docker logs --tail 100 web
[docker compose ps]
docker compose ps
[kubectl get]
kubectl get pods -n default -o wide
kubectl get deploy web -o yaml
[kubectl describe]
kubectl describe pod web-1
[kubectl logs]
kubectl logs -f deploy/web --tail=50
[terraform plan]
terraform plan -no-color
[terraform validate]
terraform validate
[gh pr list]
gh pr list --state open --limit 10
[gh pr view]
gh pr view 12 --comments
[gh run list]
gh run list -L 5
[git log|git diff]
(git log -1; git diff)
git log -1 && git diff --stat
[cat|git log]
cat <<EOF\\nsome text\\nEOF
[cd|pytest|make]
cd src && pytest -q
cd build && make -C .. test
[time|timeout|pytest]
timeout 60 pytest -q
[bundle exec rspec]
bundle exec rspec spec/a_spec.rb:12
[poetry run pytest]
poetry run pytest -q
[test|echo]
test -f src/app.py && echo yes
[xxd]
xxd -l 64 src/app.py
"""


def everyday() -> list[tuple[str, tuple[str, ...]]]:
    """Each command with its entries."""
    found: list[tuple[str, tuple[str, ...]]] = []
    entries: tuple[str, ...] = ()
    for line in EVERYDAY.strip().splitlines():
        if line.startswith("["):
            entries = tuple(line[1:-1].split("|"))
        else:
            found.append((line.replace("\\n", "\n"), entries))
    return found

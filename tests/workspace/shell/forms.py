"""Forms of options and operands, each judged by hand from the program's manual.

`+` runs without a question under the entries in brackets, `?` is asked, `-` is denied. What is
asked writes somewhere else, runs something else, reads outside the workspace, or cannot be told
from that. The harmful parts are stand-ins: `x`, `true`, `./other`.
"""

FORMS = r"""
[git log]
+ git log -3
+ git log -n3
+ git log -n 3 -p
+ git log -pn3
+ git log --max-count=3
+ git log --max-count 3
+ git log --stat=80,40
+ git log --format='%h %s' --date=short
+ git log --pretty=oneline --abbrev-commit
+ git log --date='format:%Y' -1
+ git log --grep='fix' -i --all-match
+ git log --grep fix
+ git log -Gpattern --pickaxe-all
+ git log -S 'a string' -- src
+ git log -L :main:src/app.py
+ git log -- src/app.py
+ git log HEAD~3..HEAD -- '*.py'
+ git log ^main dev
+ git log --decorate=short --graph
+ git log --diff-filter=AM --name-status
+ git log --follow -- src/app.py
+ git log --no-merges --first-parent main
+ git log --reverse --topo-order
+ git log -U1 -w -b
+ git log -M50% -C --find-renames=40%
+ git log --word-diff=color
? git log --output=x
? git log --output x
? git log --outpu=x
? git log --ext-diff
? git log --textconv
? git log --format='%G?'
? git log --pretty='%GS'
? git log --show-signature
? git log --show-sig
? git log --remerge-diff
? git log --diff-merges=remerge
? git log --diff-merges=r
? git log --no-index a b
? git log -O x
? git log -Ox
? git log --help
? git log --stdin
? git log --onelin
? git log --grep -- --output=x
? git log --not-an-option
? git log "--outp""ut=x"
? git log ../../outside
? git log /etc/hosts
? git log -- /etc/hosts
? git log $X
? git log *
? git log -- ../x/../../y
? git log --no-walk=--output=x
? git log ext::true
[git diff]
+ git diff --stat HEAD
+ git diff HEAD -- src
+ git diff --name-only --diff-filter=U
+ git diff --color-words='[a-z]+'
+ git diff -U10 --function-context
+ git diff --check
+ git diff -- src/*.py
+ git diff @{u}...HEAD
+ git diff HEAD:src/app.py src/app.py
? git diff --no-index src/app.py README.md
? git diff --output=x
? git diff -o x
? git diff --ext-diff
? git diff --textconv
? git diff /etc/hosts /etc/passwd
? git diff ../other src
? git diff -O/etc/hosts
? git diff $A $B
? git diff '--output=x'
? git diff -- ../../x
[git show]
+ git show HEAD^ --stat
+ git show v1.0:README.md
+ git show --format=%B -s HEAD
? git show --format=%GG HEAD
? git show --textconv HEAD:src/app.py
? git show --output=x HEAD
[git status]
+ git status --short --ignored
+ git status -uall
+ git status -- src
? git status --column=x --output=x
? git status --config x
? git status --pathspec-from-file=x
[git]
+ git diff --cached
+ git log -1 --format=%H
+ git ls-files -o --exclude-standard
+ git ls-tree -r HEAD --name-only
+ git rev-list --count HEAD
+ git shortlog -sn HEAD
+ git cat-file -p HEAD:src/app.py
+ git show-ref --heads
+ git config --get user.name
+ git config --list
+ git remote get-url origin
+ git worktree list
+ git branch -a
+ git branch -vv
+ git tag -l
+ git stash show -p
+ git grep -e TODO
+ git grep -n 'a b' -- '*.py'
+ git blame -w -C -L 3,+5 src/app.py
+ git merge-base main HEAD
+ git check-ignore -v src/app.py
+ git version
+ git --version
+ git --no-pager diff
? git push
? git push origin main
? git commit -m x
? git add .
? git checkout main
? git branch x
? git branch -D x
? git tag v1
? git config user.name x
? git config --global core.pager x
? git config --unset user.name
? git config -e
? git remote add o u
? git remote set-url origin x
? git stash
? git stash drop
? git stash pop
? git worktree add x
? git -c core.pager=x log
? git -ccore.pager=x log
? git -C .. log
? git --git-dir=x log
? git --work-tree=.. status
? git --exec-path=. log
? git --config-env=core.pager=X log
? git --paginate log
? git -p log
? git --namespace=x log
? git --bare log
? git --attr-source=x log
? git grep -O x
? git grep -Ox y
? git grep --open-files-in-pager=x y
? git grep --no-index x /etc
? git grep -f patterns
? git blame --contents x src/app.py
? git cat-file --textconv HEAD:a
? git cat-file --filters HEAD:a
? git log-evil
? git evil
? git reflog expire --all
? git reflog delete HEAD@{1}
? git archive HEAD -o x
? git bisect run ./other
? git submodule foreach ./other
? git submodule update
? git daemon
? git symbolic-ref HEAD x
? git update-ref x y
? git gc
? git clean -fd
? git reset --hard
? git restore .
? git apply x
? git help log
? git difftool
? git mergetool
? git notes add
? git replace a b
? git ls-remote
? git fetch
[git add]
+ git add .
+ git add -u src
+ git add -- src/app.py
? git add -p
? git add -i
? git add -e
? git add ../outside
? git add --pathspec-from-file=x
? git add -f .env
[git commit]
+ git commit --amend --no-edit
+ git commit -qm 'a message'
+ git commit --message='a message' --signoff
+ git commit --allow-empty -m x
? git commit -F /etc/hosts
? git commit --file=x
? git commit -t x
? git commit -c HEAD
? git commit -S
? git commit --gpg-sign=x
? git commit --trailer x=y
? git commit --fixup=HEAD
? git commit -m x --pathspec-from-file=y
? git commit -p
[git push]
+ git push
+ git push origin feature/x
+ git push --dry-run origin main
? git push --force
? git push -f origin main
? git push --force-with-lease
? git push origin +main
? git push origin :main
? git push --delete origin main
? git push --mirror
? git push --receive-pack=./other origin
? git push --exec=./other origin
? git push https://example.org/x main
? git push ../other main
? git push ./sub main
? git push src main
? git push ext::true main
? git push -o x origin
? git push --repo=../x
[git fetch]
+ git fetch origin
+ git fetch origin main
+ git fetch -p
? git fetch --upload-pack=./other origin
? git fetch --upload-pa ./other origin
? git fetch ../other
? git fetch https://example.org/x
? git fetch --recurse-submodules
? git fetch origin +main:main
[git clone]
? git clone -u ./other x
? git clone --upload-pack=./other x
? git clone --template=x y
? git clone -c core.pager=x y
? git clone --config core.pager=x y
? git clone ext::true x
? git clone https://example.org/x --recurse-submodules
? git clone ../x y
[git rebase]
+ git rebase main
+ git rebase --continue
? git rebase -x true
? git rebase -xtrue main
? git rebase --exec true
? git rebase --exe=true main
? git rebase -i main
? git rebase -s ours main
? git rebase --strategy=ours main
? git rebase -qx true main
[git checkout]
+ git checkout main
+ git checkout -b x
? git checkout src/app.py
? git checkout -- src/app.py
? git checkout .
? git checkout -f
? git checkout -p
? git checkout -B x
? git checkout HEAD~1 src/app.py
? git checkout -
[git switch]
+ git switch -c x
+ git switch main
? git switch -C x
? git switch --discard-changes main
[git merge]
+ git merge --no-ff -m x dev
? git merge -s ./other dev
? git merge -X theirs dev
? git merge -F x dev
[git pull]
+ git pull --ff-only
+ git pull origin main
? git pull --upload-pack=./other
? git pull --rebase=interactive
? git pull ../other
? git pull -s ours
[git ls-remote]
+ git ls-remote --heads origin
? git ls-remote --upload-pack=./other origin
? git ls-remote --exec=./other origin
? git ls-remote ext::true
? git ls-remote ../x
? git ls-remote -o x origin
[git tag]
+ git tag -l 'v1.*'
+ git tag --sort=-version:refname
+ git tag -n3
? git tag -s v1
? git tag -d v1
? git tag -F x v1
? git tag -f v1
[git branch]
+ git branch --list 'feature/*'
+ git branch new-one
? git branch -D x
? git branch -d x
? git branch -m y
? git branch -f x HEAD
? git branch --edit-description
[ls|cat|head|tail|wc]
+ ls
+ ls -lart src
+ ls --color=auto -1
+ ls -I '*.pyc' src
+ ls --sort=time
+ ls *
+ cat -A README.md
+ cat src/*.py
+ cat -
+ cat -- README.md
+ cat README.md - src/app.py
+ head -c 100 README.md
+ head -n -5 README.md
+ head -qn5 README.md src/app.py
+ tail -5 README.md
+ tail -n 5 -f README.md
+ tail --lines=+3 README.md
+ wc -lwc README.md
+ wc --lines README.md
? ls /etc
? ls ..
? ls ~
? ls $HOME
? ls -L src
? ls --dereference src
? ls ../x
? cat /etc/hosts
? cat /dev/stdin
? cat ../x
? cat $X
? cat src/../../x
? cat "$HOME/.netrc"
? cat ~/.ssh/config
? head /proc/self/environ
? head -n 5 /etc/hosts
? tail -f /var/log/syslog
? wc --files0-from=x
? wc --files0-from x
? wc -l /etc/hosts
? cat src/*/../../../x
[grep]
+ grep -n TODO src/app.py
+ grep -rn --exclude-dir=.git TODO .
+ grep -e one -e two README.md
+ grep --regexp=one README.md
+ grep -ne one README.md
+ grep -c '^$' README.md
+ grep -m1 x README.md
+ grep -m 1 -- -x README.md
+ grep -oP '\d+' README.md
+ grep -H x src/*.py
+ grep -3 x README.md
+ grep --color=always x README.md
+ grep -iwl x README.md
+ grep -A 2 -B2 -C3 x
? grep -f patterns README.md
? grep -fpatterns README.md
? grep -if patterns README.md
? grep --file=patterns README.md
? grep --fil=patterns README.md
? grep -e x --file patterns README.md
? grep --exclude-from=x y README.md
? grep x /etc/hosts
? grep -r x /etc
? grep -r x ..
? grep -R x .
? grep --dereference-recursive x .
? grep x $FILES
? grep -e
[rg]
+ rg TODO
+ rg -n TODO src
+ rg -e a -e b src
+ rg -uu TODO
+ rg -g '!*.md' TODO
+ rg --glob='*.py' TODO
+ rg -tpy TODO
+ rg -A2 TODO README.md
+ rg -C 3 --max-count=5 TODO
+ rg --json TODO
+ rg -r '$1' '(x)' README.md
+ rg --replace=y x README.md
+ rg -- -x README.md
+ rg --files
? rg --pre ./other x
? rg --pre=./other x
? rg --pre-glob='*' x
? rg --hostname-bin=./other x
? rg -z x
? rg -nz x
? rg --search-zip x
? rg -f patterns x
? rg --file=patterns
? rg --ignore-file=x y
? rg -L x
? rg --follow x
? rg x /etc
? rg x ..
? rg x *
? rg x $X
? rg --type-add=x:y z
? rg -nL x
? rg --pr=./other x
[find]
+ find .
+ find src -name '*.py' -print
+ find . -name a -o -name b
+ find . \( -name a -or -name b \) -print0
+ find . ! -path './.git/*' -type f
+ find . -size +10k -mtime -2
+ find . -newer README.md
+ find . -newermt '2024-01-01'
+ find . -type f,d -empty
+ find . -perm -111
+ find . -printf '%p\n'
+ find -P src -maxdepth 1
? find . -exec true {} +
? find . -exec true ;
? find . -execdir true {} +
? find . -ok true {} ;
? find . -okdir true {} ;
? find . -delete
? find . -fprint x
? find . -fprint0 x
? find . -fprintf x %p
? find . -fls x
? find -L .
? find . -follow
+ find -H src
? find /etc
? find ..
? find -files0-from x
? find -f .
? find . -name x -delete
? find . -newer /etc/hosts
? find *
? find . -- -delete
? find -D exec .
[sed -n|sed]
+ sed -n 5p README.md
+ sed -n '1,5p;10q' README.md
+ sed -n '$p' README.md
+ sed -n '/a/,/b/p' README.md
+ sed -ne 5p README.md
+ sed -n -e 5p -e 6p README.md
+ sed -n --expression=5p README.md
+ sed -n '/[a-z]/p' README.md
+ sed -En '/a+/p' README.md
+ sed -n 's/a/b/p' README.md
+ sed -n -l 5 l README.md
+ sed 's/a/b/;s/c/d/g' README.md
+ sed 's|/a|/b|' README.md
+ sed '/^#/d' README.md
+ sed -e '1d' -e '$d' README.md
+ sed '/a/{s/b/c/;p}' README.md
+ sed 'y/abc/xyz/' README.md
+ sed = README.md
+ sed '1~2d' README.md
+ sed '1!G;h;$!d' README.md
? sed -n '1e true' README.md
? sed -n e README.md
? sed -n -l 5 '1e true' README.md
? sed -n -l5 '1e true' README.md
? sed -n 5p -e '1e true' README.md
? sed 's/a/b/e' README.md
? sed 's/a/b/ge' README.md
? sed 's/a/b/w x' README.md
? sed 's/a/b/;w x' README.md
? sed -n 'w x' README.md
? sed -n 'W x' README.md
? sed -n 'r /etc/hosts' README.md
? sed -n 'R x' README.md
? sed -i s/a/b/ README.md
? sed -i.bak s/a/b/ README.md
? sed -ni 5p README.md
? sed --in-place s/a/b/ README.md
? sed --in s/a/b/ README.md
? sed -n -f x README.md
? sed -nf x README.md
? sed --file=x README.md
? sed -n 5p /etc/hosts
? sed 's/a/b/
e true' README.md
? sed '/a/{e true
}' README.md
? sed 's/[/]/x/e;s/y/' README.md
? sed --expression='1e true' README.md
? sed -E -e 's,a,b,e' README.md
? sed "s/a/$X/" README.md
? sed 1p $X
? sed -s -n '$=' ../x
? sed --follow-symlinks -n p README.md
[awk]
+ awk '{print $2}' a.csv
+ awk -F, '{print $1, $2}' a.csv
+ awk -F ',' 'NR > 1 {print $3}' a.csv
+ awk '/x/ {n++} END {print n}' a.csv
+ awk -v n=5 'NR == n' a.csv
+ awk '{s += $1} END {printf "%d\n", s}' a.csv
+ awk 'length > 80' a.csv
+ awk 'NR%2' a.csv
+ awk '{print NR ": " $0}' a.csv
+ awk '!seen[$0]++' a.csv
+ awk '$3 > 5 && $1 != "x"' a.csv
+ awk '{print $1/2}' a.csv
+ awk '{gsub(/a/, "b"); print}' a.csv
? awk '{print > "x"}' a.csv
? awk '{print >> "x"}' a.csv
? awk '{print | "true"}' a.csv
? awk 'BEGIN {system("true")}'
? awk '"true" | getline' a.csv
? awk 'BEGIN {while ((getline l < "/etc/hosts") > 0) print l}'
? awk 'BEGIN {f = "system"; @f("true")}'
? awk '@load "x"' a.csv
? awk '@include "x"' a.csv
? awk -f x a.csv
? awk -i inplace '{print}' a.csv
? awk -v 'x' '{print}' a.csv
? awk --file=x a.csv
? awk -o '{print}' a.csv
? awk -l x '{print}' a.csv
? awk -e '{print}' -f x
? awk '{print}' /etc/hosts
? awk '{print}' ARGV=x a.csv
? awk 'BEGIN {ARGV[1] = "/etc/hosts"} {print}' a.csv
? awk '{print $1,
$2 > "x"}' a.csv
? awk '{print $1 /"/ > "x" "/"}' a.csv
? awk "{print $X}" a.csv
? awk 'BEGIN {printf "a" |& "true"}'
? awk '{ print "a" > $1 }' a.csv
? awk '{print}' ../a.csv
[sort|uniq|cut|tr|paste|comm|join|cat]
+ sort -k2,2n -t, a.csv
+ sort -rn a.csv
+ sort --key=2 --unique a.csv
+ sort -t ',' -k 1 a.csv
+ uniq -c a.csv
+ uniq -f 1 a.csv
+ uniq -w5 -d a.csv
+ cut -f1,3 -d ' ' a.csv
+ cut -c1-10 a.csv
+ cat a.csv | tr a-z A-Z
+ tr -d '\n'
+ paste -sd, a.csv
+ comm -12 a.csv b.csv
? sort -o x a.csv
? sort -ox a.csv
? sort -uo x a.csv
? sort a.csv -o x
? sort --output=x a.csv
? sort --out x a.csv
? sort --compress-program=./other a.csv
? sort --comp ./other a.csv
? sort -T /tmp a.csv
? sort --files0-from=x
? sort --random-source=/etc/hosts a.csv
? sort +1 -o x
? sort *
? sort /etc/hosts
? uniq a.csv x
? uniq - x
? uniq -c a.csv x
? uniq -- a.csv x
? uniq a.csv -f 1 x
? uniq *.csv
? cut -f1 /etc/hosts
? cut -f1 ../x
? comm a.csv /etc/hosts
? join a.csv ../x
? paste /etc/hosts
[diff|cmp]
+ diff -ruN src tests
+ diff --color=always a.csv b.csv
+ diff -y -W 80 a.csv b.csv
+ diff a.csv -
+ cmp -s a.csv b.csv
? diff a.csv /etc/hosts
? diff --to-file=/etc/hosts a.csv
? diff --from-file=x a.csv
? diff -X x src tests
? diff --exclude-from=x src tests
? diff -l a.csv b.csv
? diff --paginate a.csv b.csv
? diff -D X a.csv b.csv a
? diff ../x a.csv
? diff a.csv b.csv c.csv
? cmp a.csv /etc/hosts
[jq|cat]
+ jq . package.json
+ jq -r '.a | keys[]' package.json
+ jq -sc . package.json
+ jq --arg v 1 '.a == $v' package.json
+ jq --argjson v 1 '.a' package.json
+ jq -e '.scripts.test' package.json
+ jq --indent 2 -S . package.json
+ jq -n '1 + 1'
+ cat package.json | jq .name
? jq -f x package.json
? jq --from-file x package.json
? jq -L x . package.json
? jq 'include "x"; .' package.json
? jq 'import "x" as y; .' package.json
? jq . /etc/hosts
? jq --slurpfile a /etc/hosts . package.json
? jq --rawfile a ../x . package.json
? jq -rf x package.json
? jq --run-tests x
[date|uname|id|which|ps|seq]
+ date -u +%s
+ date -d yesterday +%F
+ date --date='2 days ago'
+ date --iso-8601=seconds
+ date -r README.md
+ date -R
+ uname -a
+ id -un
+ which -a git
+ ps aux
+ ps -ef
+ ps -eo pid,comm
+ seq 1 10
? date -s x
? date --set=x
? date 010100002020
? date -f x
? date --file=/etc/hosts
? date -us x
? date -r /etc/hosts
? date --se=x
? uname x
? ps auxe
? id -x
[base64|xxd|od|file|stat|du|md5sum]
+ base64 README.md
+ base64 -d README.md
+ base64 -w0 README.md
+ xxd -l 16 README.md
+ od -c README.md
+ file -b README.md
+ file --mime-type README.md
+ stat -c %s README.md
+ du -sh .
+ du -d 1 src
+ md5sum README.md
? base64 -o x README.md
? base64 -i README.md -o x
? base64 README.md x
? base64 /etc/hosts
? xxd -r README.md x
? xxd README.md x
? xxd -p README.md x
? od --traditional x y
? file -C -m x
? file -f x
? file -m x README.md
? file --compile
? file -z README.md
? du -X x .
? du --files0-from=x
? du -L .
? du ..
? md5sum -c x
? md5sum --check x
? stat /etc/hosts
[pytest]
+ pytest -vv --tb=long
+ pytest -xvs tests/test_a.py
+ pytest -k 'not slow' -m unit
+ pytest tests/test_a.py::TestA::test_b
+ pytest 'tests/test_a.py::test_b[x-1]'
+ pytest tests/test_a.py::test_b[x]
+ pytest --lf --co -q
+ pytest -n 4 --dist=loadfile
+ pytest --durations=10
+ pytest -rA
+ pytest --maxfail 2
+ pytest --cov=app --cov-report=term-missing
+ pytest -p no:cacheprovider
+ pytest --ignore=tests/slow
+ pytest -W error
? pytest --junitxml=src/app.py
? pytest --junit-xml x
? pytest --junitx=x
? pytest -p x
? pytest -px
? pytest -c other.ini
? pytest -cother.ini
? pytest --config-file=x
? pytest --rootdir=..
? pytest --confcutdir=x
? pytest -o addopts=x
? pytest --override-ini=x=y
? pytest --basetemp=src
? pytest --log-file=x
? pytest --cov-report=html:x
? pytest --cov-report xml:src/app.py
? pytest --cov-config=x
? pytest --pastebin=all
? pytest --result-log=x
? pytest --pdbcls=x:y
? pytest --trace-config --debug=x
? pytest --debug
? pytest -vp x
? pytest ../outside
? pytest /etc
? pytest --pyargs x
? pytest @args
? pytest --html=x
? pytest --report-log=x
? pytest -- ../x
? pytest $X
? pytest --cache-clear
? pytest --doctest-glob=/etc/*
[python -m pytest]
+ python -m pytest -x -k a
+ python -m pytest tests/test_a.py
? python -m pytest --junitxml=src/app.py
? python -m pytest -p x
? python -m pytest_other
? python -m pytest ../x
? python -i -m pytest
? python -m pip install x
[python]
+ python script.py
+ python src/app.py tests
+ python -V
? python3.11
+ python -u script.py
? python -c 'x'
? python -c x
? python -
? python -i script.py
? python -m http.server
? python -m pip install x
? python -m venv x
? python -m x
? python -Wd -c x
? python -X importtime script.py
? python script.py --out=x
? python script.py -o x
? python /tmp/x.py
? python ../x.py
? python ~/x.py
? python /dev/stdin
? python /dev/fd/0
? cat x | python
? cat x | python -
? echo x | python /dev/stdin
? python -ic x
? python -uc x
? python script.py /etc/hosts
? python3.11 -c x
? python --check-hash-based-pycs always script.py
[python3.11]
+ python3.11
? python3.11 -c x
[bash|sh|bash -n]
+ bash script.sh
+ bash -n script.sh
+ sh -x ./script.sh
+ bash -e src/run.sh tests
? bash -n +n script.sh
? bash +n script.sh
? bash -c x
? bash -lc x
? bash -n -c x
? bash -s
? bash -s x
? bash -i
? bash -l script.sh
? bash --rcfile x
? bash --init-file x -i
? bash -O extglob script.sh
? bash -o posix script.sh
? echo x | bash
? echo x | bash -
? echo x | bash -s
? echo x | bash /dev/stdin
? echo x | bash /dev/fd/0
? echo x | sh
? bash /dev/stdin
? bash /proc/self/fd/0
? bash ../x.sh
? bash /tmp/x.sh
? bash -- -c
? bash -
? bash script.sh -x
? bash <<EOF
true
EOF
? bash < x
? sh -c true
? bash -nc x
? bash -n /dev/stdin
[node|deno|bun]
+ node src/app.js
+ node --check src/app.js
+ node --test
? node -e x
? node --eval=x
? node -p x
? node -pe x
? node -r ./x src/app.js
? node --require ./x src/app.js
? node --import ./x src/app.js
? node --loader ./x src/app.js
? node --inspect src/app.js
? node --env-file=x src/app.js
? node --cpu-prof src/app.js
? node --report-dir=x src/app.js
? node -i
? node -
? echo x | node
? node ../x.js
? node --watch src/app.js
? node src/app.js --flag
? node --experimental-config-file=x src/app.js
? deno run x.ts
? deno eval x
? bun x eslint
[npm test|npm run|npm ls]
+ npm test
+ npm test --silent
+ npm test -- --coverage
+ npm test -- src/a.test.js
+ npm run
+ npm run build --if-present
+ npm run lint -w packages/a
+ npm ls --all --json
? npm test --script-shell=./other
? npm test --prefix ..
? npm test --prefix=..
? npm test -C ..
? npm test --node-options=x
? npm test --userconfig x
? npm test --globalconfig=x
? npm test --shell=x
? npm run build --script-shel=x
? npm run build -- --out-dir=/tmp
? npm test -- --outputFile=src/app.js
? npm test -- -u
? npm test -- --config=x
? npm test -- ../x
? npm run ../x
? npm test --registry=x
? npm test --cache=x
? npm test --logs-dir=x
? npm test --viewer=x
? npm ls --prefix ..
? npm run $X
[npm]
+ npm --version
+ npm test
+ npm outdated
? npm view left-pad version
? npm install
? npm install x
? npm ci
? npm exec x
? npm publish
? npm config set x y
? npm audit fix
? npm pkg set x=y
? npm version patch
? npm link
? npm explore x
? npm init
? npm uninstall x
? npm cache clean
[npx eslint|eslint]
+ npx eslint .
? npx --no-install eslint src
+ npx eslint src --quiet --max-warnings 0
+ eslint src/app.js -f json
+ eslint --ext .ts src
? npx eslint --fix src
? eslint --fix .
? eslint -c other.js .
? eslint --config=other.js .
? eslint -o x .
? eslint --output-file=x .
? eslint --rulesdir x .
? eslint --plugin x .
? eslint --parser ./x .
? eslint --resolve-plugins-relative-to=x .
? eslint -f ./x.js .
? eslint --format=./x.js .
? eslint --cache-location=x .
? eslint --init
? eslint --stdin-filename x
? eslint ..
? npx -p x eslint .
? npx -c x
? npx --package=x eslint
? npx eslint@latest .
? npx x
? npx --yes x
? eslint --flag x .
[tsc|tsc --noEmit|npx tsc]
+ tsc --noEmit
+ tsc --noEmit --pretty
+ tsc -p tsconfig.json --noEmit
+ tsc --noEmit src/app.ts
+ npx tsc --noEmit -p .
? tsc --noEmit false
? tsc --noEmit --noEmit false
? tsc --noEmit=false
? tsc --outDir src
? tsc --outFile x
? tsc --build
? tsc -b
? tsc --watch
? tsc @args
? tsc --declarationDir x
? tsc --tsBuildInfoFile x
? tsc --generateTrace x
? tsc --init
? tsc -p ..
? tsc --project /etc
? tsc --NOEMIT false
? npx tsc --outDir ..
? tsc --noEmit null
? tsc --noEmitOnError false
? tsc --rootDir ..
? tsc --plugins x
[prettier|prettier --check]
+ prettier --check src
+ prettier -c '**/*.js'
+ prettier src/app.js
? prettier --write src
? prettier -w src
? prettier --check --write src
? prettier --plugin=./x src
? prettier --config ./x.js src
? prettier --config=x src
? prettier --ignore-path /etc/x src
? prettier --cache-location=x src
? prettier ../x
? prettier --plugin-search-dir=x src
[ruff|ruff check|mypy|pyright|pylint|black --check|flake8]
+ ruff check --select=E,F src
+ ruff check --diff .
+ ruff --version
+ mypy --ignore-missing-imports -p app
+ mypy src tests
+ pyright --outputjson src
+ pylint src --disable=C0114
+ pylint -E src
+ flake8 --max-line-length=100 src
+ black --check src -q
? ruff check --fix
? ruff check --unsafe-fixes --fix .
? ruff check --fix-only .
? ruff check --add-noqa
? ruff check --config=x .
? ruff check --config 'x = 1' .
? ruff check --output-file=x .
? ruff check -o x .
? ruff check --cache-dir=x .
? ruff check ..
? ruff check --stdin-filename=x
? ruff check --watch
? ruff format .
? ruff format
? ruff clean
? ruff server
? mypy --config-file=x src
? mypy --config-file x src
? mypy --html-report=x src
? mypy --junit-xml=x src
? mypy --cache-dir=x src
? mypy --custom-typeshed-dir=x src
? mypy --install-types
? mypy --python-executable=./other src
? mypy --linecount-report x src
? mypy --shadow-file a b src
? mypy @args
? mypy /etc
? pyright --createstub x
? pyright -p ..
? pyright --project=x
? pyright --pythonpath=./other src
? pyright --watch
? pyright --venvpath=..
? pyright --writebaseline
? pylint --init-hook=x src
? pylint --init-hook x src
? pylint --load-plugins=x src
? pylint --rcfile=x src
? pylint --output=x src
? pylint --output-format=x.Y src
? pylint -f x:y src
? pylint --generate-rcfile
? black --check --code x
? black --check --config=x src
? flake8 --output-file=x src
? flake8 --config=x src
? flake8 --append-config=x src
? flake8 --tee src
? flake8 --enable-extensions=x src
? flake8 --bug-report ..
[uv run|uv run pytest|uv run python|poetry run pytest|pipenv run pytest|pytest]
+ uv run pytest -q tests
+ uv run --frozen pytest
+ uv run -q pytest -x
+ poetry run pytest tests
+ pipenv run pytest -q
+ uv run python script.py
? uv run --with x pytest
? uv run --with-requirements x pytest
? uv run --script x
? uv run --python ./other pytest
? uv run --project .. pytest
? uv run --directory .. pytest
? uv run --env-file x pytest
? uv run pytest --junitxml=src/app.py
? uv run pytest -p x
? uv run x
? uv run python -c x
? uv run bash -c x
? uv run -m x
? uv run --index-url=x pytest
? uv run --refresh pytest
? poetry run x
? poetry run pytest -p x
? poetry -C .. run pytest
? pipenv run pytest --basetemp=src
? uv run rm x
[cargo|cargo test|cargo build]
+ cargo test -p app --lib
+ cargo test -- --test-threads=1 --nocapture
+ cargo test --release parser::tests
+ cargo build --release --features a,b
+ cargo check
+ cargo tree -d
+ cargo metadata --no-deps --format-version=1
+ cargo --version
? cargo --config x test
? cargo test --config x
? cargo test --config=build.rustc="x"
? cargo test --manifest-path=../Cargo.toml
? cargo test --target-dir=src
? cargo build --out-dir=x
? cargo build --artifact-dir=x
? cargo build -Z unstable-options
? cargo +nightly test
? cargo -C .. test
? cargo test -- --logfile=x
? cargo test --timings
? cargo build --target-dir ../x
? cargo run
? cargo run -- x
? cargo install x
? cargo publish
? cargo add x
? cargo fix
? cargo clean
? cargo fmt
? cargo new x
? cargo evil
? cargo doc --open
? cargo clippy --fix
? cargo update
[go test|go build|go vet|go list]
+ go test ./... -run TestX -v
+ go test -run='TestX/sub' ./pkg
+ go test --count=1 ./...
+ go test -timeout 30s ./...
+ go test -bench . -benchmem ./...
+ go build
+ go build -v ./cmd/app
+ go list -m all
+ go list -f '{{.Dir}}' ./...
? go test -exec ./other ./...
? go test --exec=./other ./...
? go test -toolexec=./other ./...
? go test -vettool=./other ./...
? go test -o x ./pkg
? go test -coverprofile=src/app.go ./...
? go test -cpuprofile x ./pkg
? go test -trace=x ./pkg
? go test -outputdir=x ./pkg
? go test -modfile=x ./...
? go test -overlay=x ./...
? go test -C .. ./...
? go test -ldflags=-X ./...
? go test -gcflags=x ./...
? go test ./... -args x
? go test -fuzz=x
? go build -o ../x ./cmd/app
? go build -toolexec ./other
? go build -mod=mod -modcacherw ./...
? go build ../x
? go build x.go
? go vet -vettool=./other ./...
? go list -toolexec=./other ./...
? go test -pkgdir=x ./...
? go test -c ./pkg
? go test /etc
? go test -work ./...
[make|make test]
+ make
+ make build test
+ make -k -j4 test
+ make -s test V1
+ make --dry-run all
+ make -C src all
? make C*
? make SHELL=./other
? make test SHELL=./other
? make CC=./other all
? make V=1
? make -f other.mk
? make -fother.mk
? make --file=other.mk
? make --makefile=other.mk
? make --eval=x
? make --eval x
? make -C ..
? make -C /tmp
? make --directory=.. all
? make -I x
? make -kf other.mk
? make -e test
? make ../x
? make $X
? make -- SHELL=./other
? make 'MAKEFLAGS=x'
? make -E x
? cat x | make -f -
[cmake --build|cmake|ctest]
+ cmake --build build
+ cmake --build build --target all -j 8
+ cmake -S . -B build -DCMAKE_BUILD_TYPE=Debug
+ ctest --test-dir build -R parser
? cmake -E env ./other
? cmake -E rm x
? cmake -P x.cmake
? cmake -DCMAKE_CXX_COMPILER=./other .
? cmake -C x.cmake .
? cmake --install build
? cmake -S .. -B build
? cmake -B ../build
? cmake --build ..
? cmake --build build -- SHELL=./other
? cmake --toolchain x .
? cmake --open build
? cmake --graphviz=x .
? cmake --trace-redirect=x .
? ctest -S x
? ctest -O x
? ctest --output-junit x
? ctest --build-and-test a b
? ctest --test-command ./other
? ctest -D Experimental
[mvn|./gradlew|gradle test|dotnet test]
+ mvn -q -o test
+ mvn clean verify -DskipTests
+ mvn -pl core -am test
+ mvn test -Dtest=FooTest
+ ./gradlew build --offline
+ ./gradlew test --tests 'a.B*'
+ gradle test --info
+ dotnet test -c Release --filter 'Name~x'
? mvn -f ../pom.xml test
? mvn -s settings.xml test
? mvn exec:java
? mvn exec:exec -Dexec.executable=./other
? mvn -Dexec.executable=./other test
? mvn deploy
? mvn install
? mvn -l x test
? mvn --log-file x test
? mvn -gs x test
? mvn -t x test
? mvn com.example:x:run
? mvn -Dmaven.ext.class.path=x test
? ./gradlew -I init.gradle test
? ./gradlew --init-script=x test
? ./gradlew -p .. test
? ./gradlew -b x test
? ./gradlew -c x test
? ./gradlew -Dx=y test
? ./gradlew -Px=y test
? ./gradlew --project-cache-dir=x test
? ./gradlew -g x test
? ./gradlew --include-build .. test
? ./gradlew --scan test
? ../gradlew test
? gradle test -I x
? dotnet test --logger 'trx;LogFileName=x'
? dotnet test -o x
? dotnet test --results-directory x
? dotnet test --settings x
? dotnet test --test-adapter-path x
? dotnet test --diag x
? dotnet test -p:X=y
? dotnet test /p:X=y
? dotnet test -- x
? dotnet test ../x
[docker ps|docker logs|docker images|docker inspect|docker compose ps|docker compose logs]
+ docker ps -aq
+ docker ps --filter name=web --format '{{.Names}}'
+ docker logs -f --tail=20 web
+ docker logs --since 5m web
+ docker images -q
+ docker inspect web
+ docker compose ps -a
+ docker compose logs web --tail=5
? docker -H tcp://h ps
? docker --host=tcp://h ps
? docker --context x ps
? docker --config x ps
? docker -c x ps
? docker run x
? docker exec web x
? docker rm web
? docker compose -f x ps
? docker compose --project-directory .. ps
? docker compose --env-file x ps
? docker compose up
? docker logs web x
? docker --tlscacert=x ps
[kubectl get|kubectl describe|kubectl logs]
+ kubectl get pods -A
+ kubectl get pod web-1 -o json
+ kubectl get pods -l app=web --no-headers
+ kubectl get po -o jsonpath='{.items[0].metadata.name}'
+ kubectl get svc,deploy -n prod
+ kubectl describe node n1
+ kubectl logs web-1 -c app --previous
+ kubectl logs deploy/web --since=1h
? kubectl get --kubeconfig=x pods
? kubectl get pods --kubeconfig x
? kubectl --kubeconfig=x get pods
? kubectl get pods --context=other
? kubectl get pods --server=https://h
? kubectl get pods -s https://h
? kubectl get pods --token=x
? kubectl get pods --as=root
? kubectl get -f x.yaml
? kubectl get -f https://h/x
? kubectl get -k .
? kubectl get pods -o jsonpath-file=/etc/hosts
? kubectl get pods -o go-template-file=x
? kubectl get pods --template=x
? kubectl get pods --cache-dir=x
? kubectl get pods --profile-output=x
? kubectl get --raw /api
? kubectl get pods --user=x
? kubectl get pods --certificate-authority=x
? kubectl get pods --insecure-skip-tls-verify
? kubectl describe -f x
? kubectl logs web-1 --kubeconfig=x
? kubectl delete pod x
? kubectl exec web -- x
[kubectl]
+ kubectl get pods
+ kubectl version --client
+ kubectl config current-context
? kubectl apply -f x
? kubectl delete pod x
? kubectl config set-context x
? kubectl config use-context x
? kubectl config view --raw
? kubectl exec web -- x
? kubectl cp a b
? kubectl port-forward x 1
? kubectl run x
? kubectl edit x
? kubectl proxy
[terraform plan|terraform validate|terraform show|terraform fmt -check]
+ terraform plan
+ terraform plan -no-color -input=false
+ terraform plan -target=aws_x.y
+ terraform validate -json
+ terraform fmt -check -recursive
+ terraform show -json
? terraform plan -out=x
? terraform plan -out x
? terraform plan --out=x
? terraform -chdir=.. plan
? terraform plan -var-file=/etc/hosts
? terraform plan -var 'x=y'
? terraform plan -state=x
? terraform plan -generate-config-out=x
? terraform apply
? terraform init
? terraform destroy
? terraform show ../x
? terraform fmt -check -write=true
[gh pr list|gh pr view|gh issue list|gh run view|gh repo view]
+ gh pr list --json number,title
+ gh pr list -s open -L 5
+ gh pr list --json number --jq '.[].number'
+ gh pr view 5 --json body
+ gh issue list --label bug
+ gh run view 5 --log-failed
? gh pr list -R other/repo
? gh pr list --repo=other/repo
? gh pr list --web
? gh pr list -w
? gh pr view https://example.org/x
? gh pr view 5 --web
? gh run view --web
? gh pr create
? gh pr merge 5
? gh api /user
? gh repo clone x
? gh repo view --web
[env|timeout|nice|xargs|git log|pytest]
+ timeout 5 git log
+ timeout -k 5 10s git log -1
+ nice -n 5 git log
+ timeout 60 pytest -q
+ env git log
+ nice timeout 5 git log
? timeout 5 true
? timeout 5 git push
? timeout 5 git log --output=x
? timeout $X git log
? timeout --bogus 5 git log
? env X=y git log
? env -i git log
? env -S 'git log'
? env -u X git log
? env -C .. git log
? xargs git log
? echo x | xargs git log
? xargs -a x git log
? nice -n 5 true
? nice bash
? env git -c x=y log
? timeout 5 pytest -p x
[just|just build|rake|bundle exec rspec|ruby|perl -c|php -l]
+ just --list
+ just build
+ rake -T
+ bundle exec rspec spec/a_spec.rb
+ bundle exec rspec -fd
+ ruby script.rb
+ perl -c script.pl
+ php -l src/a.php
? just --command x
? just -c x
? just -f x
? just --justfile x --working-directory ..
? just --shell ./other
? just --set x y
? just X=y
? just --edit
? just --choose
? rake -f x
? rake -e x
? rake -r ./x
? rake X=y
? bundle exec x
? bundle exec rspec -r ./x
? bundle exec rspec -o x
? bundle exec rspec --require=./x
? bundle exec rspec -I x
? bundle exec rspec --options x
? ruby -e x
? ruby -ne x
? ruby -r x script.rb
? ruby -I x script.rb
? perl -c -e x
? perl -c -Mx script.pl
? perl -ce x
? php -l -d x=y a.php
? php -r x
[cd|ls|cat|git status]
+ cd src && ls
+ cd src && ls ..
+ (cd src && ls) && cat README.md
+ cd src; ls
? cd src; cat ../../x
? cd src && cat ../../x
? cd .. && ls
? cd /tmp
? cd - && ls
? cd src; ls ..
? cd none || ls ..
? cd src | ls ..
? cd src & cat ../README.md
? (cd src); ls ..
[cat|git log|git diff|echo|wc]
+ (git log -1)
+ (git log -1; git diff) 2>&1
+ (git log -1 && git diff --stat) | wc -l
+ ( (git log) )
+ cat <<EOF
some text
EOF
+ cat <<'EOF'
cost: $5 `x`
EOF
+ cat <<EOF | wc -l
a
b
EOF
+ cat << EOF && git log -1
a
EOF
+ git diff 2>&1 | cat
? (git log; true)
? (git log
? git log)
? ()
? ((git log))
? cat <<EOF
$(true)
EOF
? cat <<EOF
$X
EOF
? cat <<EOF > x
a
EOF
? cat <<-EOF
	a
	EOF
? cat <<EOF
a
? cat <<EOF
a
EOF
true
? cat <<"EOF"
a
EOF
? (git log) > x
? (cat; git log) <<EOF
a
EOF
? git log <<<x
? cat <<EOF x
a
EOF
/etc
[.venv/bin/pytest|./node_modules/.bin/eslint|/usr/bin/git log|bin/tool]
+ .venv/bin/pytest -q tests
+ ./node_modules/.bin/eslint .
+ /usr/bin/git log -1
? .venv/bin/pytest -p x
? ./node_modules/.bin/eslint --fix .
? /usr/bin/git log --output=x
? bin/tool x
? pytest -q
[npm run|npm test|pnpm|yarn test]
+ npm run test:unit
+ npm test -- --reporter=dot
+ pnpm --filter @app/web test
+ pnpm -r build
+ yarn test --watchAll=false
? npm run test:unit --prefix=x
? pnpm --dir .. test
? pnpm -C .. test
? pnpm --filter ../x test
? npm test -- --reporter=./x.js
[playwright test|npx playwright test|phpunit|mix test|bazel test|flutter test|deno test|zig build]
+ npx playwright test --project=chromium
+ playwright test tests -g 'a b'
+ phpunit --filter testX tests
+ mix test test/a_test.exs:12 --trace
+ bazel test //... --test_output=errors
+ flutter test --no-pub
+ deno test src
+ zig build test
? playwright test --config=x
? playwright test -c x
? playwright test --reporter=./x
? playwright test --output=x
? playwright test -u
? phpunit -c x
? phpunit --bootstrap x
? phpunit --log-junit x
? phpunit --coverage-html=x
? mix test -r x
? mix test --formatter X
? bazel test //... --run_under=./x
? bazel --output_base=x test //...
? bazel test --test_env=X=y //...
? bazel test --bes_backend=x //...
? flutter test -d x
? deno test -A
? deno test --allow-run
? deno test --config x
? zig build -Dx=y
? zig build --prefix /x
? zig build install
[go run|git pull|kubectl|tar|hostname|printenv]
+ go run .
+ go run ./cmd/app
+ go run main.go
+ git pull --rebase
+ git pull --rebase origin main
+ kubectl -n prod get pods
+ tar tf x.tar
+ tar -tzf x.tgz
+ tar -tvf x.tar
+ hostname -f
+ printenv PATH
? go run . -x
? go run . x
? go run example.org/x@latest
? go run -exec ./other .
? go run ../x
? git pull --rebase=interactive
? kubectl -n prod delete pod x
? kubectl --context x get pods
? tar xf x.tar
? tar -xzf x.tgz
? tar -tf x.tar -I x
? tar -tf h:x.tar
? tar tf h:x.tar
? tar -tf x.tar --to-command=x
? tar -tf x.tar --checkpoint-action=exec=x
? tar cf x.tar .
? tar -tf /etc/x.tar
? tar -rf x.tar y
? tar tfI x.tar x
? hostname x
[make *]
+ make
+ make SHELL=./other
+ make -f other.mk
? make > x
? make $(true)
? makes
[python *]
+ python -c x
+ python -m venv x
[git log *]
+ git log --output=x
+ git log $X
? git push
[node -e *]
+ node -e x
? node x.js
[test|[|printf|echo|command|type]
+ test -f README.md
+ [ -d src ] && echo yes
+ [ 1 -eq 1 ]
+ [ "a" = "b" ]
+ printf '%s\n' a b
+ echo $X *
+ command -v git
+ type git
? test -v 'a[x]'
? [ -v 'a[x]' ]
? [ -R x ]
? printf -v x y
? printf $X
? command git push
? test -f /etc/hosts
? [ $X = y ]
[touch|mkdir]
+ touch a.txt
+ mkdir -p src/a/b
+ mkdir build
? touch .git/hooks/x
? touch ../x
? touch -r /etc/hosts a
? touch -t 01010000 a
? touch .envrc
? mkdir .vscode
? mkdir -m 777 /tmp/x
? touch $X
? touch /tmp/x
[unknown-tool|unknown-tool sub|./run.sh]
+ unknown-tool
+ unknown-tool sub
+ ./run.sh
? unknown-tool x
? unknown-tool --version
? unknown-tool sub x
? ./run.sh x
? echo x | ./run.sh
? echo x | unknown-tool
? unknown-tool <<EOF
x
EOF
? /bin/unknown-tool
[curl|wget|ssh|rm|cp|mv|tar|psql|sqlite3|vim|less|man|xargs|tee|dd]
+ sqlite3 --version
? curl -s https://example.org
? wget https://example.org
? ssh h ls
? rm x
? cp a b
? mv a b
? tar xf x
? psql -c x
? sqlite3 x.db .shell
? vim x
? less x
? man ls
? xargs ls
? echo x | tee y
? dd if=x of=y
? echo x | sqlite3
# Picked by chance from the manuals, and judged before they were tried.
[git log]
? git log --textconv -p
+ git log --no-textconv -p
+ git log --not main
+ git log --submodule=log
+ git log --since-as-filter='1 week ago'
+ git log --expand-tabs=4
+ git log --no-expand-tabs
[git diff]
+ git diff --abbrev=12
+ git diff --color-words=.
+ git diff --histogram HEAD
+ git diff --ita-invisible-in-index
+ git diff --dirstat-by-file=10
[git show]
+ git show --stat=80,40,5
+ git show --pretty=fuller
+ git show -R HEAD
? git show --output=README.md
? git show --outpu README.md HEAD
[git status]
+ git status --no-ahead-behind
+ git status --column=always
+ git status --porcelain
+ git status --porcelain=2
[git blame]
+ git blame -h
+ git blame -f src/app.py
+ git blame -C20 src/app.py
+ git blame -l -s src/app.py
+ git blame --root src/app.py
? git blame --contents a.csv src/app.py
[git grep]
+ git grep --max-depth 2 foo
? git grep -O foo
? git grep -Oless foo
+ git grep -P 'a+' -- src
+ git grep -I foo
+ git grep --exclude-standard --untracked foo
[git ls-files]
+ git ls-files -m
+ git ls-files --sparse -s
+ git ls-files -z --debug
? git ls-files -X a.csv -o
? git ls-files --exclude-from=a.csv -o
[git fetch]
+ git fetch --shallow-since=2024-01-01 origin
+ git fetch --prune origin
? git fetch --force origin
? git fetch --refetch --upload-pack=x
+ git fetch --prune-tags origin
[git push]
+ git push --progress origin main
+ git push --porcelain origin main
? git push --mirror origin
+ git push --no-recurse-submodules origin main
? git push --recurse-submodules=on-demand origin
[git commit]
? git commit -t README.md
? git commit --template=README.md
+ git commit -v -m x
+ git commit --short -m x
? git commit -i src/app.py -m x
[git add]
+ git add --ignore-removal .
+ git add -v src
+ git add --refresh src
[git branch]
? git branch -f main dev
+ git branch --format '%(refname)'
+ git branch --contains HEAD
+ git branch -r
? git branch -u origin/main
[git checkout]
? git checkout --no-overlay main
? git checkout --ours src/app.py
? git checkout -m main
? git checkout --force main
? git checkout --pathspec-from-file=a.csv
[git tag]
? git tag -e v9
? git tag -u key v9
+ git tag --contains HEAD
+ git tag -n2
+ git tag --no-sign v9
[git stash push]
+ git stash push -u
? git stash push -a
+ git stash push --staged
[git rev-parse]
+ git rev-parse --git-common-dir
+ git rev-parse --is-bare-repository --is-shallow-repository
+ git rev-parse --default HEAD
[ls|cat|head|tail|wc]
+ ls --file-type src
+ ls -Ql
+ ls -H src
+ ls -w 80
+ cat -E README.md
+ cat -bs README.md
+ cat --help
+ head -z README.md
+ head -q README.md a.csv
+ head --lines=-3 README.md
+ tail -F README.md
+ tail -c +5 README.md
+ wc --version
+ wc -m README.md
[grep]
+ grep -h x README.md
+ grep -lZ x README.md
? grep -m NUM README.md
+ grep --line-buffered x README.md
[find]
+ find . -iname '*.PY'
? find . -exec true {} +
+ find . -false
+ find . -user root
+ find . -regex '.*py'
[sed]
+ sed --sandbox -n 1p README.md
+ sed --posix -n 1p README.md
[sort|uniq|cut]
+ sort -t: -k1 a.csv
+ sort --batch-size=4 a.csv
? sort a.csv --output=b.csv
+ sort -c a.csv
+ sort -C a.csv
+ uniq -w 3 a.csv
+ uniq --group=both a.csv
+ uniq -s2 a.csv
? uniq -s2 a.csv b.csv
+ cut -s -f1 a.csv
+ cut -c 1-3 a.csv
+ cut -d, -f1 --output-delimiter=: a.csv
[diff]
+ diff -B a.csv b.csv
+ diff -rd src tests
+ diff -S app.py src tests
? diff -X a.csv src tests
? diff --exclude-from a.csv src tests
[date|file|du]
? date --set='12:00'
+ date --rfc-3339=ns
+ date -R
+ file --mime-encoding README.md
+ file -N README.md
+ file --apple README.md
+ file -k README.md
? file -C -m a.csv
+ du -s --inodes src
+ du -hxP src
[xxd|stat|tr|comm|od|base64]
+ xxd -u README.md
? xxd -r a.csv b.csv
+ xxd -n name -i README.md
+ stat -f .
+ stat -t README.md
+ tr -s ' '
+ comm --nocheck-order a.csv b.csv
+ comm --total a.csv b.csv
+ od -s README.md
+ od --endian=big README.md
+ base64 --wrap=0 README.md
[ps|make]
+ ps --forest
+ ps --columns 80
+ ps -ww -ef
+ make -k test
+ make -l 2 test
+ make --warn-undefined-variables test
? make -e CC=./x
+ make -d test
[tar]
? tar -V x -cf y .
? tar --null -T x -cf y
[rg]
+ rg --one-file-system foo
? rg -z foo
+ rg --no-ignore-parent foo
+ rg --engine=auto foo
? rg --type-clear py foo
[ruff check]
+ ruff check --color never .
+ ruff check -q --statistics .
? ruff check --cache-dir src .
+ ruff check --extend-exclude build .
[docker ps|docker logs]
+ docker ps -sl
+ docker ps --last 3
+ docker logs --until 5m web
+ docker logs --tail all web
[kubectl get]
? kubectl get pods --cache-dir=src
+ kubectl get pods --server-print=false
? kubectl get pods --kubeconfig=src/x
? kubectl get pods --as-uid=1
? kubectl get pods --password=x
[terraform plan]
+ terraform plan -refresh-only
+ terraform plan -compact-warnings -lock-timeout=5s
[node]
? node --v8-options
+ node --trace-warnings src/app.js
? node --report-uncaught-exception src/app.js
[cargo test]
? cargo test --manifest-path src/Cargo.toml
+ cargo test --target wasm32-unknown-unknown
? cargo test --target src/x.json
+ cargo test --no-fail-fast --no-default-features --workspace
[cmake]
? cmake --help-command-list README.md
? cmake --version README.md
+ cmake --preset dev
? cmake --resolve-package-references=only .
+ cmake --build build -t all
+ cmake -Wdeprecated -B build
[mvn]
+ mvn --help
? mvn -ep x
? mvn --file src/pom.xml test
+ mvn -T 2C test
[git rebase|git merge|git pull|git switch|git cherry-pick]
+ git rebase --no-stat main
? git rebase -X theirs main
? git rebase --strategy-option=ours main
? git rebase --exec=true
? git rebase -r -x true main
? git merge -s ours dev
? git merge --strategy=x dev
+ git merge --no-stat dev
? git merge --allow-unrelated-histories dev
? git merge -F README.md dev
+ git pull -t
? git pull --upload-pack x
? git pull --upload-pac=x origin
+ git switch --no-guess dev
? git switch -m dev
? git switch --merge dev
? git switch --force-create x
? git cherry-pick -S dev
+ git cherry-pick -x dev
? git cherry-pick --gpg-sign=x dev
? git cherry-pick -s -e dev
[git describe|git shortlog|git for-each-ref|git rev-list|git ls-tree|git cat-file|git config|git remote|git worktree]
+ git describe --dirty=-x
+ git describe --always --exact-match
+ git shortlog -sne --no-merges
+ git shortlog -F --grep=x
? git shortlog --alternate-refs
+ git for-each-ref --points-at=HEAD
+ git for-each-ref --ignore-case --sort=-committerdate refs/heads
? git for-each-ref --shell
? git for-each-ref --format='%(signature)'
+ git rev-list --date=short --reflog
+ git rev-list --branches='f*' --dense
? git rev-list --use-bitmap-index --stdin
+ git ls-tree -rl HEAD
+ git ls-tree --abbrev=8 HEAD src
+ git cat-file -t HEAD
? git cat-file --batch-command
? git cat-file -z --batch
? git cat-file --batch='%(objectname)'
? git config --blob HEAD:x -l
? git config --get-urlmatch x y
? git config -f /etc/gitconfig -l
? git config --file=src/a.py -l
? git config core.editor x
? git config --add a.b c
? git config --bool a.b true
+ git config --get-regexp 'user.*'
? git remote -v update
? git remote prune origin
? git worktree -b x
? git worktree prune
[realpath|readlink|nl|paste|join|column|fold|hexdump|strings]
+ realpath -mz src
? realpath /etc
+ readlink -qf src
+ nl -l2 README.md
+ nl -b a -s ': ' README.md
+ paste -s -d'\n' a.csv
+ join --header -t, a.csv b.csv
+ join -v1 a.csv b.csv
? join a.csv b.csv /etc/hosts
+ column -s, -t a.csv
? column -W 1 -t a.csv
+ column -J -N a,b a.csv
+ fold -bsw 20 README.md
+ hexdump -vC README.md
? hexdump -f a.csv README.md
? hexdump -e x README.md
+ strings -t x README.md
? strings -T x README.md
? strings @args
? cat README.md | fold
[cmp|sha256sum|cksum|id|seq|df|free|which|touch|mkdir|tac|rev|expand|fmt|basename]
+ cmp -i 1:2 a.csv b.csv
+ cmp -n 10 -l a.csv b.csv
+ sha256sum -b README.md
? sha256sum -w -c a.csv
? sha256sum --status --check a.csv
? cksum --check a.csv
+ cksum --algorithm=sha256 README.md
+ id -a
+ seq -s, 1 5
+ seq -f %03g 1 5
+ df -ah --no-sync
+ free -lw
+ free -g
? free -s 1
+ which -a git
+ touch -c src/a.py
? touch -d yesterday --reference=/etc/hosts x
? touch -am -r README.md x
? touch -f ../x
+ mkdir -vp out/a
? mkdir -m 777 out
? mkdir -Z /x
? tac -s x /etc/hosts
+ rev README.md
+ expand -i -t 4 README.md
+ fmt -s -w 72 README.md
+ basename -a src/a.py README.md
+ basename -s .py src/a.py
[awk|mawk|bash|python3|perl -c]
+ mawk -v x=1 '{print x}' a.csv
? mawk -W exec a.csv
? mawk -Wdump '{print}'
? mawk -We x a.csv
? mawk -f a.csv
? bash -i script.sh
? bash -r script.sh -x
? bash --login script.sh
? bash -O extdebug script.sh
? bash -p -c x
? bash -xo pipefail script.sh
+ python3 -S script.py
? python3 -W error script.py
? python3 -X dev script.py
? python3 -Xfrozen_modules=off -c x
? perl -c -i x
? perl -cne x
? perl -c -x script.sh
[ctest]
? ctest --help-variables README.md
? ctest --help-module x README.md
? ctest -Q --output-log src/a.py
+ ctest -Q -N
? ctest --version README.md
? ctest -QO x
[egrep]
+ egrep -C2 x README.md
+ egrep --exclude-dir='*.d' -o x README.md
+ egrep -T --binary-files=text x README.md
? egrep -nrf a.csv .
[pytest]
+ pytest --color=no -v
? pytest --trace-config
? pytest --hypothesis-verbosity=quiet
+ pytest --no-cov-on-fail --dist=loadscope
? pytest --rsyncdir=..
? pytest --tx popen
? pytest -n2 --rootdir /
? pytest --cov=app --cov-report=lcov:src/a.py
? pytest --cov-report json:x
? pytest -xp no:x
? pytest -raA --junit-prefix=x --junitxml x
? pytest --pythonwarnings=error::x.Y
? pytest --import-mode=x
? pytest --cov /etc
[ruff format|ruff check|ruff format --check]
+ ruff check --show-settings
? ruff check --fix-only
+ ruff check -e --select E501 src
+ ruff format --check --exclude build src
? ruff format --range=1:2 /etc/x.py
? ruff check --output-format=src/x.py
? ruff check -no x
? ruff check --unsafe-fixes --fix-only src
[rg]
+ rg -C 4 foo
+ rg --no-require-git foo
+ rg --colors 'path:none' foo
+ rg -bU foo src
? rg --type-add 'x:include:all' foo
? rg -nf a.csv
? rg --generate=man /etc
[node]
? node --trace-event-file-pattern=x src/app.js
? node --report-on-signal src/app.js
? node --trace-sync-io src/app.js -e x
+ node --trace-uncaught src/app.js
? node --interactive
? node --cpu-prof-dir=src src/app.js
? node --redirect-warnings=README.md src/app.js
? node --diagnostic-dir=src src/app.js
[cargo build|cargo tree|cargo clippy]
+ cargo build --tests --no-default-features
? cargo build --config 'build.x=1'
? cargo build -Z x
? cargo build --timings=html
+ cargo tree --prefix none --frozen
? cargo tree --color never --manifest-path ../x
+ cargo clippy --locked --no-deps
? cargo clippy --fix --allow-dirty
? cargo clippy -- --emit=x
? cargo clippy -- -C linker=./x
? cargo clippy -- -o x
[docker images|docker inspect|docker stats|kubectl logs|kubectl describe]
+ docker images --tree --no-trunc
+ docker inspect -s --type container web
+ docker stats --no-stream -a
+ kubectl logs web -c app --pod-running-timeout=20s
? kubectl describe -f src/x.yaml
+ kubectl describe pods -A -l app=web
? kubectl describe secret x
? kubectl logs web --kubeconfig src/x
? kubectl logs web --log-file=src/x
? kubectl describe pods --cluster=x
[terraform validate|terraform show|terraform fmt|terraform plan]
+ terraform validate -test-directory=tests
? terraform validate -test-directory=../x
+ terraform show -no-color -json
+ terraform fmt -list=false -check
? terraform plan -no-color -out=src/a.py
+ terraform plan -lock=false -refresh-only
? terraform plan -var-file=../x
? terraform fmt ../x
[mvn|npm ls|npm run|coverage report]
+ mvn -e -ntp -U test
? mvn -s src/settings.xml test
? mvn -Pci test
? mvn -l README.md test
? mvn --builder x test
? mvn -emp x
+ npm ls --omit=dev
? npm ls --location=global --prefix=/x
? npm run build --script-shell x
? npm run build --loglevel=silly --scripts-prepend-node-path
? npm run -ws --include-workspace-root build --node-options='--require x'
? coverage report --rcfile=src/x
? coverage report --data-file=../x
+ coverage report -m --skip-covered
? coverage report --format=markdown --output=x
[cmake]
? cmake --help x
? cmake -version x
+ cmake --version
[terraform plan]
? terraform plan -out=true
[*! rm]
- rm x
- git log; rm x
- bash -c 'rm x'
- xargs rm
+ git log
+ make test
+ echo rm
+ grep -rn rm src
? unknown-tool rm
"""


def forms() -> list[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    """Each form: what has to be decided, the command, and the entries allowed and denied."""
    found: list[tuple[str, str, tuple[str, ...], tuple[str, ...]]] = []
    entries: list[str] = []
    denied: tuple[str, ...] = ()
    words = {"+": "approve", "?": "ask", "-": "deny"}
    for line in FORMS.strip("\n").split("\n"):
        if line.startswith("# "):
            continue
        if line.startswith("[") and line.endswith("]"):
            allowed, _, no = line[1:-1].partition("! ")
            entries = list(allowed.split("|"))
            denied = tuple(no.split("|")) if no else ()
        elif line[:1] in words and line[1:2] == " ":
            found.append((words[line[0]], line[2:], tuple(entries), denied))
        else:  # the command goes on
            decision, command, *rest = found[-1]
            found[-1] = (decision, f"{command}\n{line}", rest[0], rest[1])
    return found

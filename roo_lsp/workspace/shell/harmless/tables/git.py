"""git, by subcommand.

Left out on purpose: options that write (`--output`), that run programs (`--ext-diff`, `--textconv`,
`-O`, `--exec`, `--upload-pack`, `--show-signature`, `--remerge-diff`), that read files outside
(`--no-index`, `--contents`, `-F`, `--pathspec-from-file`), and that open an editor.
"""

ROWS = r"""
git : : reads : git(1), git 2.39
    --no-pager -P --no-optional-locks --literal-pathspecs --glob-pathspecs --noglob-pathspecs
    --icase-pathspecs --version -v --no-replace-objects --no-advice --no-lazy-fetch

@diff : : : git-diff(1), "Options", git 2.39
    -p -u --patch -s --no-patch -U=N --unified=N --raw --patch-with-raw --indent-heuristic
    --no-indent-heuristic --minimal --patience --histogram --anchored=TEXT
    --diff-algorithm=default|myers|minimal|patience|histogram --stat?=NS --stat-width=N
    --stat-name-width=N --stat-count=N --stat-graph-width=N --compact-summary --numstat --shortstat
    -X?=NAME --dirstat?=NAME --cumulative --dirstat-by-file?=NAME --summary --patch-with-stat -z --name-only --name-status
    --submodule?=short|log|diff --color?=always|never|auto --no-color --color-moved?=NAME
    --no-color-moved --color-moved-ws=NAME --no-color-moved-ws --word-diff?=color|plain|porcelain|none
    --word-diff-regex=TEXT --color-words?=TEXT --no-renames --rename-empty --no-rename-empty --check
    --ws-error-highlight=NAME --full-index --binary --abbrev?=N -B?=N --break-rewrites?=N -M?=N
    --find-renames?=N -C?=N --find-copies?=N --find-copies-harder -D --irreversible-delete -l=N
    --diff-filter=NAME -S=TEXT -G=TEXT --find-object=NAME --pickaxe-all --pickaxe-regex
    --skip-to=NAME --rotate-to=NAME -R --relative?=NAME --no-relative -a --text --ignore-cr-at-eol
    --ignore-space-at-eol -b --ignore-space-change -w --ignore-all-space --ignore-blank-lines -I=TEXT
    --ignore-matching-lines=TEXT --inter-hunk-context=N -W --function-context --no-function-context
    --exit-code --quiet -q --no-ext-diff --no-textconv --ignore-submodules?=none|untracked|dirty|all
    --src-prefix=TEXT --dst-prefix=TEXT --no-prefix --default-prefix --line-prefix=TEXT
    --ita-invisible-in-index --ita-visible-in-index -t

@revisions : : : git-rev-list(1), git 2.39
    -NUM -n=N --max-count=N --skip=N --since=TEXT --after=TEXT --until=TEXT --before=TEXT
    --since-as-filter=TEXT --author=TEXT --committer=TEXT --grep-reflog=TEXT --grep=TEXT --all-match
    --invert-grep -i --regexp-ignore-case --basic-regexp -E --extended-regexp -F --fixed-strings
    -P --perl-regexp --merges --no-merges --min-parents=N --max-parents=N --no-min-parents
    --no-max-parents --first-parent --exclude-first-parent-only --not --all --branches?=TEXT
    --tags?=TEXT --remotes?=TEXT --glob=TEXT --exclude=TEXT --exclude-hidden=fetch|receive|uploadpack
    --reflog --ignore-missing --bisect --boundary --cherry-mark --cherry-pick --left-only
    --right-only --cherry -g --walk-reflogs --merge --simplify-by-decoration --show-pulls
    --full-history --dense --sparse --simplify-merges --ancestry-path?=NAME --date-order
    --author-date-order --topo-order --reverse --no-walk?=sorted|unsorted --do-walk --pretty?=FORMAT
    --format=FORMAT --abbrev-commit --no-abbrev-commit --no-abbrev --oneline --encoding=NAME
    --expand-tabs?=N --no-expand-tabs --notes?=NAME --no-notes --show-notes-by-default
    --relative-date --date=TEXT --parents --children --left-right --graph --no-graph
    --show-linear-break?=TEXT --count --objects --timestamp --no-commit-header --commit-header

@log : : : git-log(1), git 2.39
    @diff @revisions --follow --no-decorate --decorate?=short|full|auto|no --decorate-refs=TEXT
    --decorate-refs-exclude=TEXT --clear-decorations --source --mailmap --no-mailmap --use-mailmap
    --full-diff --log-size -L=TEXT -c --cc --combined-all-paths -m -r --root
    --diff-merges=off|none|on|first-parent|1|separate|m|combined|c|dense-combined|cc --no-diff-merges

git log, git whatchanged : REV* : reads : git-log(1), git 2.39
    @log
git show : REV* : reads : git-show(1), git 2.39
    @log
git diff : REV* : reads : git-diff(1), git 2.39
    @diff --cached --staged --merge-base --base --ours --theirs -0 -1 -2 -3 -c --cc
git diff-tree : REV* : reads : git-diff-tree(1), git 2.39
    @diff -r --root --merge-base -m -c --cc --no-commit-id --pretty?=FORMAT -v
git diff-index : REV* : reads : git-diff-index(1), git 2.39
    @diff --cached --merge-base -m
git diff-files : REV* : reads : git-diff-files(1), git 2.39
    @diff -1 -2 -3 -0 -c --cc
git range-diff : REV* : reads : git-range-diff(1), git 2.39
    @diff --creation-factor=N --no-dual-color --left-only --right-only
git shortlog : REV* : reads : git-shortlog(1), git 2.39
    @revisions -s --summary -e --email -n --numbered -c --committer?=TEXT --group=NAME -w?=NS
git rev-list : REV* : reads : git-rev-list(1), git 2.39
    @revisions --disk-usage --no-object-names --objects-edge --unpacked --max-age=N --min-age=N
git status : REV* : reads : git-status(1), git 2.39
    -s --short -b --branch --show-stash --porcelain?=v1|v2|1|2 --long -v --verbose
    -u?=no|normal|all --untracked-files?=no|normal|all --ignore-submodules?=none|untracked|dirty|all
    --ignored?=traditional|no|matching -z --column?=NAME --no-column --ahead-behind --no-ahead-behind
    --renames --no-renames --find-renames?=N
git blame, git annotate : REV* : reads : git-blame(1), git 2.39
    -b --root --show-stats -L=TEXT -l -t -S=PATH --reverse --first-parent -p --porcelain
    --line-porcelain --encoding=NAME --date=TEXT --progress --no-progress -M?=N -C?=N
    --ignore-rev=NAME -c --score-debug -f --show-name -n --show-number -s -e --show-email -w
    --abbrev=N --color-lines --color-by-age -h
git grep : TEXT!-e REV* : reads : git-grep(1), git 2.39
    --cached --untracked --no-exclude-standard --exclude-standard --recurse-submodules -a --text
    -i --ignore-case -I -r --recursive --no-recursive --max-depth=N -w --word-regexp -v
    --invert-match -h -H --full-name -E --extended-regexp -G --basic-regexp -P --perl-regexp -F
    --fixed-strings -n --line-number --column -l --files-with-matches --name-only -L
    --files-without-match -z --null -o --only-matching -c --count --color?=always|never|auto
    --no-color --break --heading -p --show-function -NUM -A=N --after-context=N -B=N
    --before-context=N -C=N --context=N -m=N --max-count=N -W --function-context --threads=N -e=TEXT
    --and --or --not --all-match -q --quiet
git ls-files : REV* : reads : git-ls-files(1), git 2.39
    -c --cached -d --deleted -m --modified -o --others -i --ignored -s --stage --directory
    --no-empty-directory -u --unmerged -k --killed --resolve-undo -z --deduplicate -x=TEXT
    --exclude=TEXT --exclude-standard --error-unmatch -t -v -f --full-name --recurse-submodules
    --abbrev?=N --debug --eol --sparse --format=FORMAT
git ls-tree : REV* : reads : git-ls-tree(1), git 2.39
    -d -r -t -l --long -z --name-only --name-status --object-only --full-name --full-tree --abbrev?=N
    --format=FORMAT
git cat-file : REV* : reads : git-cat-file(1), git 2.39
    -p -t -s -e --batch-all-objects --unordered --buffer --allow-unknown-type
git rev-parse : REV* : reads : git-rev-parse(1), git 2.39
    --verify -q --quiet --short?=N --abbrev-ref?=strict|loose --symbolic --symbolic-full-name --all
    --branches?=TEXT --tags?=TEXT --remotes?=TEXT --show-toplevel --show-prefix --show-cdup --git-dir
    --git-common-dir --absolute-git-dir --is-inside-git-dir --is-inside-work-tree
    --is-bare-repository --is-shallow-repository --show-object-format --revs-only --no-revs --flags
    --no-flags --not --since=TEXT --until=TEXT --show-superproject-working-tree --default=NAME
git describe : REV* : reads : git-describe(1), git 2.39
    --dirty?=TEXT --broken?=TEXT --all --tags --contains --abbrev?=N --candidates=N --exact-match
    --debug --long --match=TEXT --exclude=TEXT --always --first-parent
git for-each-ref : TEXT* : reads : git-for-each-ref(1), git 2.39
    --count=N --sort=KEY --format=FORMAT --color?=always|never|auto --points-at=NAME --merged?=NAME
    --no-merged?=NAME --contains?=NAME --no-contains?=NAME --ignore-case
git show-ref : TEXT* : reads : git-show-ref(1), git 2.39
    --head --heads --branches --tags -d --dereference -s --hash?=N --verify --abbrev?=N -q --quiet
git show-branch : REV* : reads : git-show-branch(1), git 2.39
    -r --remotes -a --all --current --topo-order --date-order --sparse --more=N --list --merge-base
    --independent --no-name --sha1-name --topics --color?=always|never|auto --no-color
git merge-base : REV* : reads : git-merge-base(1), git 2.39
    --octopus --independent --is-ancestor --fork-point -a --all
git name-rev : REV* : reads : git-name-rev(1), git 2.39
    --tags --refs=TEXT --exclude=TEXT --all --name-only --no-undefined --always
git cherry : REV* : reads : git-cherry(1), git 2.39
    -v --abbrev?=N
git check-ignore : PATH* : reads : git-check-ignore(1), git 2.39
    -q --quiet -v --verbose -n --non-matching --no-index -z
git check-attr : TEXT* : reads : git-check-attr(1), git 2.39
    -a --all --cached -z
git count-objects : : reads : git-count-objects(1), git 2.39
    -v --verbose -H --human-readable
git config : : reads : git-config(1), git 2.39
    -l --list --show-origin --show-scope --name-only -z --null --local --global --system --worktree
    --includes --no-includes --get=NAME --get-all=NAME --get-regexp=TEXT --type=bool|int|path
git config get : NAME : reads : git-config(1), git 2.46
    --all --show-origin --show-scope --local --global --system --worktree
git config list : : reads : git-config(1), git 2.46
    --show-origin --show-scope --name-only --local --global --system --worktree
git remote : : reads : git-remote(1), git 2.39
    -v --verbose
git remote get-url : NAME : reads : git-remote(1), git 2.39
    --push --all
git reflog : : reads : git-reflog(1), git 2.39
    -NUM -n=N --date=TEXT
git reflog show : REV* : reads : git-reflog(1), git 2.39
    @log
git stash : : : git-stash(1), git 2.39
git stash list : : reads : git-stash(1), git 2.39
    @log
git stash show : REV* : reads : git-stash(1), git 2.39
    @diff --include-untracked --only-untracked
git stash push, git stash save : : : git-stash(1), git 2.39
    -q --quiet -m=TEXT --message=TEXT -k --keep-index --no-keep-index -S --staged -u --include-untracked
git stash pop, git stash apply : TARGET? : : git-stash(1), git 2.39
    --index -q --quiet
git worktree : : reads : git-worktree(1), git 2.39
git worktree list : : reads : git-worktree(1), git 2.39
    -v --verbose --porcelain -z
git submodule : : reads : git-submodule(1), git 2.39
    -q --quiet
git submodule status : PATH* : reads : git-submodule(1), git 2.39
    --cached --recursive
git version : : reads : git-version(1), git 2.39
    --build-options
git var : NAME? : reads : git-var(1), git 2.39
    -l
git ls-remote : REMOTE TEXT* : : git-ls-remote(1), git 2.39
    --heads -h --tags -t --refs -q --quiet --exit-code --get-url --sort=KEY --symref

# What changes the repository: an entry has to name these itself.
git add : PATH* : : git-add(1), git 2.39
    -n --dry-run -v --verbose -A --all --no-all --ignore-removal -u --update -N --intent-to-add
    --refresh --ignore-errors --ignore-missing --sparse --chmod=+x|-x
git commit : : : git-commit(1), git 2.39
    -m=TEXT --message=TEXT -a --all -q --quiet -v --verbose -s --signoff --no-signoff --dry-run
    --short --branch --porcelain --long --allow-empty --no-edit --amend --no-status --status
git fetch : REMOTE? REF* : : git-fetch(1), git 2.39
    --all -a --append --shallow-since=TEXT --shallow-exclude=NAME -P --prune-tags --depth=N --deepen=N --unshallow --dry-run -p --prune --no-tags -t --tags -n
    -j=N --jobs=N -q --quiet -v --verbose --progress --no-progress -4 --ipv4 -6 --ipv6
    --no-recurse-submodules
git pull : REMOTE? REF* : : git-pull(1), git 2.39
    -q --quiet -v --verbose --no-recurse-submodules --ff-only -r?=true|false|merges
    --rebase?=true|false|merges --no-rebase --no-edit --dry-run
    -p --prune -t --tags --no-tags --stat --no-stat -n
git push : REMOTE? REF* : : git-push(1), git 2.39
    -n --dry-run --porcelain -u --set-upstream -q --quiet -v --verbose --progress --no-progress
    --tags --follow-tags --no-force-with-lease --no-recurse-submodules -4 --ipv4 -6 --ipv6 --atomic --no-atomic
git branch : REFS* : lists : git-branch(1), git 2.39
    -a --all -r --remotes -v -vv --verbose -q --quiet -l --list --show-current --sort=KEY
    --merged?=NAME --no-merged?=NAME --contains?=NAME --no-contains?=NAME --points-at=NAME
    --format=FORMAT --abbrev=N --no-abbrev --color?=always|never|auto --no-color --column?=NAME
    --no-column -i --ignore-case -t --track --no-track
git tag : REFS* : lists : git-tag(1), git 2.39
    -l?=TEXT --list?=TEXT -n?=N --sort=KEY --merged?=NAME --no-merged?=NAME --contains?=NAME
    --no-contains?=NAME --points-at=NAME --format=FORMAT --color?=always|never|auto -i --ignore-case
    --column?=NAME --no-column -a --annotate --no-sign -m=TEXT --message=TEXT
git switch : REF* : : git-switch(1), git 2.39
    -c=NAME --create=NAME -q --quiet --progress --no-progress -t --track --no-track --guess
    --no-guess -d --detach
git checkout : REF : : git-checkout(1), git 2.39
    -b=NAME -q --quiet --progress --no-progress -t --track --no-track --guess --no-guess -d --detach
git merge : REF* : : git-merge(1), git 2.39
    --ff-only --ff --no-ff --no-edit --stat --no-stat -n -q --quiet -v --verbose --abort --squash
    --no-squash -m=TEXT --log?=N --no-log
git rebase : REF* : : git-rebase(1), git 2.39
    --abort --continue --skip --quit -q --quiet -v --verbose --stat --no-stat -n
git cherry-pick : REF* : : git-cherry-pick(1), git 2.39
    --abort --continue --skip --quit -x -n --no-commit --ff -s --signoff
git revert : REF* : : git-revert(1), git 2.39
    --abort --continue --skip --quit --no-edit -n --no-commit -s --signoff
git clone : : : git-clone(1), git 2.39
git restore : : : git-restore(1), git 2.39
git rm, git mv, git reset, git clean, git init : : : git(1), git 2.39
"""

"""Programs that search and filter text.

Left out on purpose: what runs a program (`rg --pre`, `rg -z`, `sort --compress-program`), what
writes (`sort -o`, `sed -i`, `yq -i`), what reads its patterns or program from a file (`-f`), and
what follows links out of the workspace (`grep -R`, `rg -L`).
"""

ROWS = r"""
grep, egrep, fgrep, ggrep : TEXT!-e,--regexp PATH* : reads calm : grep(1), GNU grep 3.8
    -E --extended-regexp -F --fixed-strings -G --basic-regexp -P --perl-regexp -e=TEXT --regexp=TEXT
    -i --ignore-case --no-ignore-case -v --invert-match -w --word-regexp -x --line-regexp -y -c
    --count --color?=always|never|auto --colour?=always|never|auto -L --files-without-match -l
    --files-with-matches -m=N --max-count=N -o --only-matching -q --quiet --silent -s --no-messages
    -b --byte-offset -H --with-filename -h --no-filename --label=TEXT -n --line-number -T
    --initial-tab -Z --null -z --null-data -A=N --after-context=N -B=N --before-context=N -C=N
    --context=N -NUM --group-separator=TEXT --no-group-separator -a --text
    --binary-files=binary|text|without-match -I -D=read|skip --devices=read|skip
    -d=read|skip|recurse --directories=read|skip|recurse -r --recursive --include=TEXT
    --exclude=TEXT --exclude-dir=TEXT --line-buffered -U --binary -V --version --help
rg : TEXT!-e,--regexp,--files,--type-list PATH* : reads : rg(1), ripgrep 15.0
    -e=TEXT --regexp=TEXT -A=N --after-context=N -B=N --before-context=N -C=N --context=N
    --block-buffered -b --byte-offset -s --case-sensitive --color=always|never|auto|ansi
    --colors=TEXT --column -c --count --count-matches --crlf --debug -E=NAME --encoding=NAME
    --engine=default|pcre2|auto --field-context-separator=TEXT --field-match-separator=TEXT --files
    -l --files-with-matches --files-without-match -F --fixed-strings -g=TEXT --glob=TEXT
    --glob-case-insensitive --heading -. --hidden --iglob=TEXT -i --ignore-case --include-zero -v
    --invert-match --json --line-buffered -n --line-number -x --line-regexp -M=N --max-columns=N
    --max-columns-preview -m=N --max-count=N -d=N --max-depth=N --maxdepth=N --max-filesize=N --mmap
    -U --multiline --multiline-dotall --no-config --no-filename -I --no-heading --no-ignore
    --no-ignore-dot --no-ignore-exclude --no-ignore-files --no-ignore-global --no-ignore-messages
    --no-ignore-parent --no-ignore-vcs -N --no-line-number --no-messages --no-mmap --no-unicode
    -0 --null --null-data --one-file-system -o --only-matching --passthru --passthrough -P --pcre2
    -p --pretty -q --quiet --regex-size-limit=N -r=TEXT --replace=TEXT -S --smart-case
    --sort=none|path|modified|accessed|created --sortr=none|path|modified|accessed|created --stats
    --stop-on-nonmatch -a --text -j=N --threads=N --trim -t=NAME --type=NAME -T=NAME --type-not=NAME
    --type-list -u --unrestricted -V --version --vimgrep -H --with-filename -w --word-regexp -h
    --help --context-separator=TEXT --no-column --no-hidden --no-require-git --binary --no-binary
sed, gsed : SED!-e,--expression PATH* : reads : sed(1), GNU sed 4.9
    -n --quiet --silent -e=SED --expression=SED -E -r --regexp-extended -l=N --line-length=N --posix
    -s --separate -u --unbuffered -z --null-data --debug --sandbox --help --version
awk, gawk, mawk, nawk, original-awk : AWK OWNPATH* : reads stops : gawk(1), gawk 5.2; mawk(1), mawk 1.3
    -F=TEXT -v=SETS --version -V
sort, gsort : PATH* : reads : sort(1), coreutils 9.1
    -b --ignore-leading-blanks -d --dictionary-order -f --ignore-case -g --general-numeric-sort -i
    --ignore-nonprinting -M --month-sort -h --human-numeric-sort -n --numeric-sort -R --random-sort
    -r --reverse --sort=general-numeric|human-numeric|month|numeric|random|version -V --version-sort
    --batch-size=N -c -C --check?=quiet|silent|diagnose-first --debug -k=TEXT --key=TEXT -m --merge
    -s --stable -S=N --buffer-size=N -t=TEXT --field-separator=TEXT --parallel=N -u --unique -z
    --zero-terminated --help --version
uniq : PATH? : reads : uniq(1), coreutils 9.1; a second operand is written
    -c --count -d --repeated -D --all-repeated?=none|prepend|separate -f=N --skip-fields=N
    --group?=separate|prepend|append|both -i --ignore-case -s=N --skip-chars=N -u --unique -z
    --zero-terminated -w=N --check-chars=N --help --version
cut : PATH* : reads calm : cut(1), coreutils 9.1
    -b=NS --bytes=NS -c=NS --characters=NS -d=TEXT --delimiter=TEXT -f=NS --fields=NS -n --complement
    -s --only-delimited --output-delimiter=TEXT -z --zero-terminated --help --version
tr : TEXT TEXT? : reads : tr(1), coreutils 9.1
    -c -C --complement -d --delete -s --squeeze-repeats -t --truncate-set1 --help --version
paste : PATH* : reads calm : paste(1), coreutils 9.1
    -d=TEXT --delimiters=TEXT -s --serial -z --zero-terminated --help --version
join : PATH PATH : reads : join(1), coreutils 9.1
    -a=N -e=TEXT -i --ignore-case -j=N -o=NAME -t=TEXT -v=N -1=N -2=N --check-order --nocheck-order
    --header -z --zero-terminated --help --version
column : PATH* : reads calm : column(1), util-linux 2.38
    -t --table -s=TEXT --separator=TEXT -o=TEXT --output-separator=TEXT -N=TEXT --table-columns=TEXT
    -c=N --output-width=N -x --fillrows -J --json --table-name=TEXT -R=TEXT -L
fold, fmt : PATH* : reads calm : fold(1), fmt(1), coreutils 9.1
    -b --bytes -s --spaces -w=N --width=N --help --version
rev : PATH* : reads calm : rev(1), util-linux 2.38
expand, unexpand : PATH* : reads calm : expand(1), coreutils 9.1
    -i --initial -t=NS --tabs=NS -a --all --help --version
jq : JQ PATH* : reads : jq(1), jq 1.6-1.8
    -n --null-input -R --raw-input -s --slurp -c --compact-output -r --raw-output --raw-output0 -j
    --join-output -a --ascii-output -S --sort-keys -C --color-output -M --monochrome-output --tab
    --indent=N --unbuffered --stream --stream-errors --seq -e --exit-status --arg=NAME,TEXT
    --argjson=NAME,TEXT --slurpfile=NAME,PATH --rawfile=NAME,PATH -V --version -h --help
"""

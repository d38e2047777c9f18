"""Programs that list, read and compare files, and small ones of the system.

Left out on purpose: what writes (`-o`, `--output`, a second operand of uniq, `touch -r`), what names
further files to read in a file (`--files0-from`, `-f`), what follows links out of the workspace.
"""

ROWS = r"""
@help : : : "Standards conformance", GNU coding standards
    --help --version

ls, dir, vdir : PATH* : reads calm : ls(1), coreutils 9.1
    @help -a --all -A --almost-all --author -b --escape --block-size=NAME -B --ignore-backups -c -C
    --color?=always|never|auto -d --directory -f -F --classify?=always|never|auto --file-type
    --format=NAME --full-time -g --group-directories-first -G --no-group -h --human-readable --si -H
    --hide=BIT --hyperlink?=always|never|auto --indicator-style=NAME -i --inode -I=BIT
    --ignore=BIT -k --kibibytes -l -m -n --numeric-uid-gid -N --literal -o -p -q
    --hide-control-chars --show-control-chars -Q --quote-name --quoting-style=NAME -r --reverse -R
    --recursive -s --size -S --sort=NAME --time=NAME --time-style=TEXT -t -T=N --tabsize=N -u -U -v
    -w=N --width=N -x -X -Z --context --zero -1
cat, tac : PATH* : reads calm : cat(1), tac(1), coreutils 9.1
    @help -A --show-all -b --number-nonblank -e -E --show-ends -n --number -s --squeeze-blank -t -T
    --show-tabs -u -v --show-nonprinting
head : PATH* : reads calm : head(1), coreutils 9.1
    @help -c=N --bytes=N -n=N --lines=N -q --quiet --silent -v --verbose -z --zero-terminated -NUM
tail : PATH* : reads calm : tail(1), coreutils 9.1
    @help -c=N --bytes=N -f -F --follow?=name|descriptor -n=N --lines=N --pid=N -q --quiet --silent
    --retry -s=N --sleep-interval=N -v --verbose -z --zero-terminated -NUM
wc : PATH* : reads calm : wc(1), coreutils 9.1
    @help -c --bytes -m --chars -l --lines -L --max-line-length -w --words
    --total=auto|always|only|never
nl : PATH* : reads calm : nl(1), coreutils 9.1
    @help -b=TEXT --body-numbering=TEXT -d=TEXT -f=TEXT -h=TEXT -i=N --line-increment=N -l=N -n=NAME
    -p --no-renumber -s=TEXT --number-separator=TEXT -v=N -w=N --number-width=N
stat : PATH* : reads calm : stat(1), coreutils 9.1
    @help -f --file-system -c=TEXT --format=TEXT --printf=TEXT -t --terse -L --dereference
    --cached=always|never|default
file : PATH* : reads : file(1), file 5.44
    --help --version -v -b --brief -c --checking-printout -d -E --extension -h --no-dereference -i
    --mime --mime-type --mime-encoding --apple -I -k --keep-going -l -N --no-pad -n --no-buffer -p
    --preserve-date -r --raw -s -F=TEXT --separator=TEXT -e=NAME --exclude=NAME -0 --print0 -L
du : PATH* : reads : du(1), coreutils 9.1
    @help -0 --null -a --all --apparent-size -B=NAME --block-size=NAME -b --bytes -c --total -D
    --dereference-args -d=N --max-depth=N -H -h --human-readable --inodes -k -l --count-links -m -P
    --no-dereference -S --separate-dirs --si -s --summarize -t=N --threshold=N --time?=NAME
    --time-style=TEXT --exclude=TEXT -x --one-file-system
df : PATH* : reads : df(1), coreutils 9.1
    @help -a --all -B=NAME --block-size=NAME -h --human-readable -H --si -i --inodes -k -l --local
    --no-sync --output?=NAME -P --portability --total -t=NAME --type=NAME -T --print-type -x=NAME
tree : PATH* : reads : tree(1), tree 2.1
    -a -d -f -x -L=N -P=TEXT -I=TEXT --gitignore --ignore-case --matchdirs --metafirst --prune --info
    --noreport --charset=NAME --filelimit=N --timefmt=TEXT --du --si -q -N -Q -p -u -g -s -h -D -F
    --inodes --device -v -t -c -U -r --dirsfirst --filesfirst --sort=NAME -i -A -S -n -C -X -J
    --version --help
realpath : PATH* : reads : realpath(1), coreutils 9.1
    @help -e --canonicalize-existing -m --canonicalize-missing -L --logical -P --physical -q --quiet
    --relative-to=PATH --relative-base=PATH -s --strip --no-symlinks -z --zero
readlink : PATH* : reads : readlink(1), coreutils 9.1
    @help -f --canonicalize -e --canonicalize-existing -m --canonicalize-missing -n --no-newline -q
    --quiet -s --silent -v --verbose -z --zero
basename : TEXT TEXT* : reads : basename(1), coreutils 9.1
    @help -a --multiple -s=TEXT --suffix=TEXT -z --zero
dirname : TEXT* : reads : dirname(1), coreutils 9.1
    @help -z --zero
md5sum, sha1sum, sha224sum, sha256sum, sha384sum, sha512sum, b2sum : PATH* : reads : sha256sum(1), coreutils 9.1
    @help -b --binary --tag -t --text -z --zero
cksum : PATH* : reads : cksum(1), coreutils 9.1
    @help -a=NAME --algorithm=NAME --untagged -z --zero
base64, base32 : PATH? : reads : base64(1), coreutils 9.1
    @help -d --decode -i --ignore-garbage -w=N --wrap=N
od : PATH* : reads : od(1), coreutils 9.1
    @help -A=NAME --address-radix=NAME -j=N --skip-bytes=N -N=N --read-bytes=N -t=NAME --format=NAME
    --endian=big|little -v --output-duplicates -w?=N --width?=N -a -b -c -d -f -i -l -o -s -x
hexdump, hd : PATH* : reads : hexdump(1), util-linux 2.38
    -b -c -C -d -n=N -o -s=N -v -x --one-byte-octal --canonical --length=N --skip=N --no-squeezing
xxd : PATH? : reads : xxd(1), xxd 2022-01-14
    -a -b -c=N -e -g=N -i -l=N -n=NAME -p -s=N -u -v -version
strings : PATH* : reads : strings(1), binutils 2.40
    -a --all -d --data -n=N --bytes=N -t=o|x|d --radix=o|x|d -f --print-file-name -w -s=TEXT
cmp : PATH PATH N? N? : reads : cmp(1), diffutils 3.8
    --help --version -v -b --print-bytes -i=NAME --ignore-initial=NAME -l --verbose -n=N --bytes=N -s
    --quiet --silent
diff : PATH PATH : reads : diff(1), diffutils 3.8
    --help --version -v --normal -q --brief -s --report-identical-files -c -C=N --context?=N -u -U=N
    --unified?=N -e --ed -n --rcs -y --side-by-side -W=N --width=N --left-column
    --suppress-common-lines -p --show-c-function -F=TEXT --show-function-line=TEXT --label=TEXT
    -t --expand-tabs -T --initial-tab --tabsize=N --suppress-blank-empty -r --recursive
    --no-dereference -N --new-file --unidirectional-new-file --ignore-file-name-case
    --no-ignore-file-name-case -x=TEXT --exclude=TEXT -S=TEXT --starting-file=TEXT -i --ignore-case
    -E --ignore-tab-expansion -Z --ignore-trailing-space -b --ignore-space-change -w
    --ignore-all-space -B --ignore-blank-lines -I=TEXT --ignore-matching-lines=TEXT -a --text
    --strip-trailing-cr -d --minimal --horizon-lines=N --speed-large-files --color?=always|never|auto
    -NUM
comm : PATH PATH : reads : comm(1), coreutils 9.1
    @help -1 -2 -3 --check-order --nocheck-order --output-delimiter=TEXT --total -z --zero-terminated
find, gfind : PATH* : reads nodash onedash : find(1), findutils 4.9
    -P -H -O1 -O2 -O3 -help --help -version --version -a -and -o -or -not -true -false
    -daystart -depth -d -ignore_readdir_race -noignore_readdir_race -maxdepth=N -mindepth=N -mount
    -xdev -noleaf -nowarn -warn -regextype=NAME -amin=N -anewer=PATH -atime=N -cmin=N -cnewer=PATH
    -ctime=N -empty -executable -fstype=NAME -gid=N -group=NAME -ilname=TEXT -iname=TEXT -inum=N
    -ipath=TEXT -iregex=TEXT -iwholename=TEXT -links=N -lname=TEXT -mmin=N -mtime=N -name=TEXT
    -newer=PATH -newermt=TEXT -newerat=TEXT -newerct=TEXT -nogroup -nouser -path=TEXT -perm=N
    -readable -regex=TEXT -samefile=PATH -size=N -type=TYPES -uid=N -used=N -user=NAME
    -wholename=TEXT -writable -xtype=TYPES -ls -print -print0 -printf=TEXT -prune -quit
fd, fdfind : TEXT? PATH* : reads : fd(1), fd 10.2
    -H --hidden -I --no-ignore -u --unrestricted --no-ignore-vcs --no-require-git --no-ignore-parent
    -s --case-sensitive -i --ignore-case -g --glob --regex -F --fixed-strings --and=TEXT -a
    --absolute-path -p --full-path -d=N --max-depth=N --min-depth=N --exact-depth=N
    -E=TEXT --exclude=TEXT --prune -t=NAME --type=NAME -e=NAME --extension=NAME -S=N --size=N
    --changed-within=TEXT --changed-before=TEXT -o=NAME --owner=NAME -c=always|never|auto
    --color=always|never|auto -j=N --threads=N --max-results=N -1 -q --quiet --show-errors
    --strip-cwd-prefix --one-file-system -0 --print0 -h --help -V --version
pwd : : reads : bash(1), bash 5.2
    -L -P
cd : PATH? : reads : bash(1), bash 5.2
echo, true, false : TEXT* : reads anything : bash(1), bash 5.2
printf : TEXT TEXT* : reads : bash(1), bash 5.2
test, [ : COND* : reads onedash nodash : bash(1), bash 5.2; -v and -R evaluate what they are given
    -a=PATH -b=PATH -c=PATH -d=PATH -e=PATH -f=PATH -g=PATH -h=PATH -k=PATH -p=PATH -r=PATH -s=PATH
    -u=PATH -w=PATH -x=PATH -L=PATH -N=PATH -z=TEXT -n=TEXT -eq=N -ne=N -lt=N -le=N -gt=N -ge=N
    -nt=PATH -ot=PATH -ef=PATH -o
command : : reads : bash(1), bash 5.2
    -v=NAME -V=NAME
type : NAME* : reads : bash(1), bash 5.2
    -a -f -P -p -t
which : NAME* : reads : which(1), debianutils 5.7
    -a -s
date : DATE? : reads : date(1), coreutils 9.1; an operand without + sets the clock
    @help -d=TEXT --date=TEXT --debug -I?=NAME --iso-8601?=NAME --resolution -R --rfc-email
    --rfc-3339=date|seconds|ns -r=PATH --reference=PATH -u --utc --universal
uname : : reads : uname(1), coreutils 9.1
    @help -a --all -s --kernel-name -n --nodename -r --kernel-release -v --kernel-version -m
    --machine -p --processor -i --hardware-platform -o --operating-system
whoami, nproc, arch, tty, logname : : reads : coreutils 9.1
    @help --all
id, groups : aux|ax|axu|auxw|auxww|auxf|axjf|axo|x? : reads : id(1), coreutils 9.1
    @help -a -g --group -G --groups -n --name -r --real -u --user -z --zero
ps : aux|ax|axu|auxw|auxww|auxf|axjf|axo|x? : reads : ps(1), procps-ng 4.0
    -A -a -d -e -f -F -l -j -u=NAME -U=NAME -p=NS -C=NAME -o=NAME --sort=NAME --forest -H --no-headers
    -ef --columns=N --cols=N --width=N --pid=NS --ppid=NS -w -ww
free : : reads : free(1), procps-ng 4.0
    -b -k -m -g -h --human --si -l --lohi -t --total -w --wide
hostname : : reads : hostname(1), hostname 3.23; an operand sets it
    -s --short -f --fqdn -i --ip-address -I --all-ip-addresses -d --domain
printenv : NAME* : reads : printenv(1), coreutils 9.1
    -0 --null
tar, gtar : tf|tvf|tzf|tzvf|tvzf|tjf|tjvf|tJf!-f,--file LOCAL? : reads : tar(1), GNU tar 1.34; host:file is another machine's
    -t --list -z --gzip -j --bzip2 -J --xz -v --verbose -f=LOCAL --file=LOCAL
unzip : : : unzip(1), UnZip 6.0
zipinfo : PATH : reads : zipinfo(1), ZipInfo 3.0
    -1 -2 -s -m -l -v -h -t
uptime : : reads : uptime(1), procps-ng 4.0
    -p --pretty -s --since
seq : N* : reads : seq(1), coreutils 9.1
    @help -f=TEXT --format=TEXT -s=TEXT --separator=TEXT -w --equal-width
sleep : N : reads : sleep(1), coreutils 9.1
    @help
expr : COND* : reads : expr(1), coreutils 9.1
touch : NEWPATH* : : touch(1), coreutils 9.1
    @help -a -m -c --no-create
mkdir : NEWPATH* : : mkdir(1), coreutils 9.1
    @help -p --parents -v --verbose

# Programs that start the command they are given: that is what is looked at.
timeout : N COMMAND : reads : timeout(1), coreutils 9.1
    @help -k=N --kill-after=N -s=NAME --signal=NAME --preserve-status --foreground -v --verbose
nice : COMMAND : reads : nice(1), coreutils 9.1
    @help -n=N --adjustment=N -NUM
nohup, env : COMMAND : reads : coreutils 9.1; env with options or variables is asked
stdbuf : COMMAND : reads : stdbuf(1), coreutils 9.1
    -i=0|L|N --input=0|L|N -o=0|L|N --output=0|L|N -e=0|L|N --error=0|L|N
ionice : COMMAND : reads : ionice(1), util-linux 2.38
    -c=0|1|2|3 -n=N
time : COMMAND : reads : time(1), time 1.9
    -p -v --portability --verbose
"""

"""Python, what checks and tests it, and what runs programs in its environments.

What loads code that an option names (`pytest -p`, `pylint --init-hook`, `--load-plugins`), reads
settings from elsewhere (`-c`, `--config`, `--rootdir`), writes reports (`--junitxml`), or installs,
is left out.
"""

ROWS = r"""
@python : : : "Command line and environment", Python 3.14
    -m=MODULE -B -b -bb -d -E -h --help -I -O -OO -P -q -s -S -u -v -V -VV --version
python, python2, python3, pypy, pypy3 : SCRIPT OWNPATH* : builds stops nodash : Python 3.14
    @python
python3.10, python3.11, python3.12, python3.13, python3.14 : SCRIPT OWNPATH* : builds stops nodash : Python 3.14
    @python
pytest, py.test : TEST* : builds nodash module : pytest --help, pytest 9.0; pytest-cov 7.0; pytest-xdist 3.8; pytest-timeout 2.4
    -k=TEXT -m=TEXT --markers -x --exitfirst --maxfail=N --strict-markers --strict-config --fixtures
    --funcargs --fixtures-per-test --capture=fd|sys|no|tee-sys -s --runxfail --lf --last-failed --ff
    --failed-first --nf --new-first --lfnf=all|none --last-failed-no-failures=all|none --sw
    --stepwise --sw-skip --stepwise-skip --sw-reset --stepwise-reset --durations=N --durations-min=N
    -W=ignore|error|default|always|once -v -vv -vvv --verbose --no-header --no-summary --no-fold-skipped --force-short-summary -q -qq
    --quiet --verbosity=N -r=NAME --disable-warnings --disable-pytest-warnings -l --showlocals
    --no-showlocals --tb=auto|long|short|line|native|no --xfail-tb
    --show-capture=no|stdout|stderr|log|all --full-trace --color=yes|no|auto --code-highlight=yes|no
    --collect-only --co --continue-on-collection-errors --noconftest --keep-duplicates
    --doctest-modules --doctest-ignore-import-errors --doctest-continue-on-failure
    --doctest-report=none|cdiff|ndiff|udiff|only_first_failure --ignore=PATH --ignore-glob=TEXT
    --deselect=TEST --import-mode=prepend|append|importlib -V --version -h --help --setup-only
    --setup-show --setup-plan --log-level=NAME --log-cli-level=NAME --log-format=TEXT
    --log-date-format=TEXT --log-auto-indent=NAME --assert=plain|rewrite --cache-show?=TEXT
    -p=no:cacheprovider|no:randomly|no:warnings|no:xdist|no:cov|no:logging|no:faulthandler
    --cov?=NAME --cov-report=term|term-missing|term:skip-covered|term-missing:skip-covered
    --cov-fail-under=N --cov-branch --no-cov --no-cov-on-fail --cov-context=test
    -n=N|auto|logical --numprocesses=N|auto|logical --dist=NAME --maxprocesses=N --timeout=N
    --timeout-method=signal|thread --asyncio-mode=auto|strict --count=N --reruns=N --reruns-delay=N
    --randomly-seed=N
unittest : NAME* : builds nodash module : "unittest", Python 3.14
    -v --verbose -q --quiet --locals -f --failfast -b --buffer -c --catch -k=TEXT -h --help
    --durations=N
unittest discover : : builds nodash : "unittest", Python 3.14
    -v --verbose -q -f --failfast -b --buffer -c --catch -k=TEXT -s=PATH --start-directory=PATH
    -p=TEXT --pattern=TEXT -t=PATH --top-level-directory=PATH
py_compile : OWNPATH* : builds module : "py_compile", Python 3.14
compileall : OWNPATH* : builds module : "compileall", Python 3.14
    -l -q -f -r=N -j=N
json.tool : OWNPATH? : reads module : "json.tool", Python 3.14; a second operand is written
    --sort-keys --no-ensure-ascii --json-lines --indent=N --tab --no-indent --compact -h --help
tokenize, ast : OWNPATH? : reads module : "ast", Python 3.14
ruff : : reads : ruff --help, ruff 0.15
    --version -V --help -h -v --verbose -q --quiet -s --silent --isolated --color=auto|always|never
ruff check : OWNPATH* : reads : ruff check --help, ruff 0.15
    --no-fix --diff --show-fixes --preview --no-preview --no-unsafe-fixes --select=NAME --ignore=NAME
    --extend-select=NAME --extend-ignore=NAME --output-format=concise|full|json|json-lines|junit|grouped|github|gitlab|pylint|rdjson|azure|sarif
    --target-version=NAME --per-file-ignores=TEXT --exclude=TEXT --extend-exclude=TEXT
    --respect-gitignore --no-respect-gitignore --force-exclude --no-force-exclude -n --no-cache
    --exit-zero -e --exit-non-zero-on-fix --statistics --show-files --show-settings --fixable=NAME
    --unfixable=NAME --line-length=N --isolated -v --verbose -q --quiet -s --silent -h --help
    --color=auto|always|never
ruff format : OWNPATH* : : ruff format --help, ruff 0.15
    --check --diff --preview --no-preview --line-length=N --target-version=NAME --exclude=TEXT
    --respect-gitignore --force-exclude -n --no-cache --isolated -v --verbose -q --quiet -s -h --help
ruff rule : NAME? : reads : ruff rule --help, ruff 0.15
    --all --output-format=text|json
ruff version, ruff linter : : reads : ruff --help, ruff 0.15
    --output-format=text|json
mypy : OWNPATH* : builds nodash module : mypy --help, mypy 1.18
    -h --help -v --verbose -V --version --ignore-missing-imports --follow-imports=normal|silent|skip|error
    --namespace-packages --explicit-package-bases --no-namespace-packages --no-site-packages
    --no-silence-site-packages --python-version=N --platform=NAME --disallow-any-unimported
    --disallow-any-expr --disallow-any-decorated --disallow-any-explicit --disallow-any-generics
    --disallow-subclassing-any --disallow-untyped-calls --disallow-untyped-defs
    --disallow-incomplete-defs --check-untyped-defs --disallow-untyped-decorators
    --implicit-optional --no-implicit-optional --no-strict-optional --warn-redundant-casts
    --warn-unused-ignores --no-warn-no-return --warn-return-any --warn-unreachable
    --allow-untyped-globals --allow-redefinition --no-implicit-reexport --strict-equality
    --extra-checks --strict --disable-error-code=NAME --enable-error-code=NAME --show-error-context
    --show-column-numbers --show-error-end --hide-error-codes --show-error-codes --pretty --no-pretty
    --no-color-output --no-error-summary --show-absolute-path --no-incremental --sqlite-cache
    --warn-incomplete-stub --exclude=TEXT -m=NAME --module=NAME -p=NAME --package=NAME
    --no-warn-unused-configs --warn-unused-configs --scripts-are-modules --non-interactive
pyright, basedpyright : OWNPATH* : builds nodash module : pyright --help, pyright 1.1.406
    -h --help -v --version --outputjson --skipunannotated --stats --dependencies --verbose --warnings
    --level=error|warning --threads?=N --pythonplatform=Darwin|Linux|Windows --pythonversion=N
    --ignoreexternal
pylint : OWNPATH* : builds nodash module : pylint --help, pylint 4.0
    --version -h --help --errors-only -E --disable=NAME -d=NAME --enable=NAME -e=NAME --jobs=N -j=N
    --reports=y|n -r=y|n --score=y|n -s=y|n --output-format=text|json|json2|colorized|parseable|msvs
    -f=text|json|json2|colorized|parseable|msvs --msg-template=TEXT --max-line-length=N
    --recursive=y|n --ignore=NAME --ignore-patterns=TEXT --py-version=N --fail-under=N --fail-on=NAME
    --exit-zero --list-msgs --list-msgs-enabled -v --verbose
flake8 : OWNPATH* : builds nodash module : flake8 --help, flake8 7.3
    -h --help -v --verbose --version -q --quiet --color=auto|always|never --count --exclude=TEXT
    --extend-exclude=TEXT --filename=TEXT --format=default|pylint|quiet-filename|quiet-nothing
    --hang-closing --ignore=NAME --extend-ignore=NAME --per-file-ignores=TEXT --max-line-length=N
    --max-doc-length=N --max-complexity=N --select=NAME --extend-select=NAME --disable-noqa
    --show-source --no-show-source --statistics --exit-zero -j=N|auto --jobs=N|auto --isolated
black : OWNPATH* : : black --help, black 25.9; writes the files it is given
    --check --diff --color --no-color -l=N --line-length=N -t=NAME --target-version=NAME --fast --safe
    -S --skip-string-normalization -C --skip-magic-trailing-comma --preview -W=N --workers=N
    --include=TEXT --exclude=TEXT --extend-exclude=TEXT -q --quiet -v --verbose --version -h --help
isort : OWNPATH* : : isort --help, isort 7.0; writes the files it is given
    -c --check-only --check --diff --df --profile=NAME -q --quiet -v --verbose --version -V -h --help
    -l=N --line-length=N
pip, pip3 : : reads : pip --help, pip 25.3
    -V --version -h --help -q --quiet -v --verbose --no-input --disable-pip-version-check --no-color
pip list, pip3 list : : reads : pip list --help, pip 25.3
    -l --local --user -e --editable --exclude-editable --include-editable --not-required
    --format=columns|freeze|json --exclude=NAME --disable-pip-version-check
pip show, pip3 show : NAME* : reads : pip show --help, pip 25.3
    -f --files -v --verbose --disable-pip-version-check
pip freeze, pip3 freeze : : reads : pip freeze --help, pip 25.3
    -l --local --user --all --exclude-editable --exclude=NAME
pip check, pip3 check : : reads : pip check --help, pip 25.3
coverage : : reads : coverage help, coverage 7.11
    --version --help -h
coverage report : OWNPATH* : reads : coverage report --help, coverage 7.11
    --contexts=TEXT --fail-under=N -i --ignore-errors --include=TEXT --omit=TEXT --precision=N
    --show-missing -m --skip-covered --no-skip-covered --skip-empty --sort=TEXT -h --help
coverage run : SCRIPT OWNPATH* : builds stops : coverage run --help, coverage 7.11
    -m=MODULE --branch -a --append -p --parallel-mode --include=TEXT --omit=TEXT --source=NAME
    --timid
tox : : builds : tox --help, tox 4.31
    -e=NAME -q -v -r --recreate -l --listenvs --version -h --help
nox : : builds : nox --help, nox 2025.10
    -s=NAME --session=NAME -l --list -r --reuse-existing-virtualenvs -R --version -h --help

# Programs that run another one in an environment: the other one is looked at.
uv : : reads : uv help, uv 0.9
    --version -V --help -h -q --quiet -v --verbose --offline --no-progress --color=auto|always|never
uv run : COMMAND : builds : uv help run, uv 0.9
    -q --quiet -v --verbose --no-sync --frozen --locked --offline --isolated --no-dev --all-extras
    --all-groups --no-progress --exact --extra=NAME --group=NAME --no-group=NAME --only-group=NAME
uv tree : : builds : uv help tree, uv 0.9
    --depth=N -d=N --frozen --locked --offline --universal --no-dev --no-dedupe --invert --outdated
    --package=NAME --prune=NAME
uv version : : : uv help version, uv 0.9
    --short --output-format=text|json
uv pip, uv python : : reads : uv help, uv 0.9
uv pip list, uv pip freeze, uv pip check : : reads : uv help pip, uv 0.9
    --format=columns|freeze|json -e --editable --exclude-editable --outdated -q --quiet --offline
uv pip show : NAME* : reads : uv help pip show, uv 0.9
    -f --files
uv python list : NAME? : reads : uv help python list, uv 0.9
    --all-versions --only-installed --offline
uvx : COMMAND : builds : uv help tool run, uv 0.9
    -q --quiet -v --offline --isolated
poetry, pipenv, pdm, hatch, rye : : reads : poetry 2.2; pipenv 2025.0; pdm 2.26; hatch 1.15
    --version -V --help -h -q --quiet -n --no-interaction --ansi --no-ansi
poetry run, pipenv run, pdm run, hatch run, rye run : COMMAND : builds : poetry run; pipenv run
poetry show : NAME? : reads : poetry show --help, poetry 2.2
    -t --tree -l --latest -o --outdated -a --all -T --top-level --why
poetry check : : reads : poetry check --help, poetry 2.2
    --lock --strict
poetry env : : reads : poetry env --help, poetry 2.2
poetry env info : : reads : poetry env info --help, poetry 2.2
    -p --path -e --executable
poetry env list : : reads : poetry env list --help, poetry 2.2
    --full-path
"""

"""The policy: what runs, what is asked, what never happens, and what an `always` covers."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roo_lsp.agent.approval import Act, Allow, Ask, Refuse
from roo_lsp.agent.modes import MODES, Mode
from roo_lsp.agent.tool import Group, Target
from roo_lsp.workspace import policy as policy_module
from roo_lsp.workspace.policy import Rules, Surprises, WorkspacePolicy
from roo_lsp.workspace.shell import Lists

EVERYTHING = Rules(
    read=True,
    read_outside=True,
    edit=True,
    edit_outside=True,
    edit_protected=True,
    execute=True,
    mcp=True,
    mode_switch=True,
    subtask=True,
    fetch=True,
)


@pytest.fixture
def ws(tmp_path) -> Path:
    ws = tmp_path / "ws"
    (ws / "src").mkdir(parents=True)
    (ws / "src/app.py").touch()
    (tmp_path / "other").mkdir()
    (ws / "out").symlink_to("../other")
    return ws


def policy(ws: Path, **rules) -> WorkspacePolicy:
    return WorkspacePolicy(Rules(**rules), [ws])


def read(policy, path, group: Group = "read") -> Any:
    return policy.judge(Act(group, [Target(Path(path), "read")]))


def write(policy, path) -> Any:
    return policy.judge(Act("edit", [Target(Path(path), "write")]))


def run(policy, command, cwd) -> Any:
    return policy.judge(Act("execute", [Target(cwd, "read")], command, cwd))


def always(policy, group, path, access, command=None, outcome="allow_always"):
    policy.remember(Act(group, [Target(Path(path), access)], command, Path(path)), outcome)


# --- reads ----------------------------------------------------------------------------------


def test_reads_inside_run_unasked_also_of_protected_files(ws):
    assert read(policy(ws), ws / "src/app.py") == Allow()
    assert read(policy(ws), ws / ".git/config") == Allow()


def test_reads_inside_are_asked_where_the_user_wants_it(ws):
    assert isinstance(read(policy(ws, read=False), ws / "src/app.py"), Ask)


@pytest.mark.parametrize("path", ["/etc/passwd", "../other/x", "out/x", "src/../../other/x"])
def test_reads_outside_are_asked_with_the_real_path(ws, path):
    verdict = read(policy(ws), ws / path)
    assert isinstance(verdict, Ask)
    assert os.path.realpath(ws / path) in verdict.why


def test_reads_outside_run_where_the_user_allowed_them_but_not_by_that_alone(ws):
    assert read(policy(ws, read_outside=True), "/etc/passwd") == Allow()
    assert isinstance(read(policy(ws, read=False, read_outside=True), "/etc/passwd"), Ask)


def test_always_for_a_read_outside_covers_that_folder_only(ws, tmp_path):
    (tmp_path / "other/sub").mkdir()
    judged = policy(ws)
    always(judged, "read", tmp_path / "other/x", "read")
    assert read(judged, tmp_path / "other/y") == Allow()
    assert isinstance(read(judged, tmp_path / "other/sub/y"), Ask)
    assert isinstance(read(judged, "/etc/passwd"), Ask)
    assert isinstance(write(judged, tmp_path / "other/y"), Ask)


# --- writes ---------------------------------------------------------------------------------


def test_writes_are_asked_until_the_user_allows_them(ws):
    verdict = write(policy(ws), ws / "src/app.py")
    assert isinstance(verdict, Ask)
    assert verdict.scope == "edits of files in this workspace, for this task"
    assert write(policy(ws, edit=True), ws / "src/new.py") == Allow()


@pytest.mark.parametrize("path", [".git/hooks/x", ".GIT/config", ".vscode/tasks.json", "AGENTS.md"])
def test_writes_to_protected_files_are_asked_each_time(ws, path):
    judged = policy(ws, edit=True, edit_outside=True)
    verdict = write(judged, ws / path)
    assert isinstance(verdict, Ask)
    assert verdict.scope == ""
    always(judged, "edit", ws / path, "write")
    assert isinstance(write(judged, ws / path), Ask)


def test_writes_to_protected_files_run_only_where_the_user_said_so_twice(ws):
    assert write(policy(ws, edit=True, edit_protected=True), ws / ".env") == Allow()
    assert isinstance(write(policy(ws, edit_protected=True), ws / ".env"), Ask)


@pytest.mark.parametrize("path", ["../other/x", "out/x", "/etc/passwd"])
def test_writes_outside_are_asked_each_time(ws, path):
    judged = policy(ws, edit=True, edit_protected=True)
    verdict = write(judged, ws / path)
    assert isinstance(verdict, Ask)
    assert verdict.scope == ""
    always(judged, "edit", ws / path, "write")
    assert isinstance(write(judged, ws / path), Ask)


def test_a_write_through_a_link_or_to_a_file_of_several_names_is_asked(ws):
    (ws / "link").symlink_to("src/app.py")
    judged = policy(ws, edit=True)
    verdict = write(judged, ws / "link")
    assert isinstance(verdict, Ask)
    assert str(ws / "src/app.py") in verdict.why
    os.link(ws / "src/app.py", ws / "twin")
    verdict = write(judged, ws / "twin")
    assert isinstance(verdict, Ask)
    assert "2 names" in verdict.why


def test_always_for_an_edit_covers_edits_inside_and_nothing_else(ws):
    judged = policy(ws)
    always(judged, "edit", ws / "src/app.py", "write")
    assert write(judged, ws / "src/other.py") == Allow()
    assert isinstance(write(judged, ws / ".env"), Ask)
    assert isinstance(write(judged, ws / "out/x"), Ask)
    assert isinstance(run(judged, "true", ws), Ask)


def test_an_always_for_several_files_is_only_taken_where_all_can_be_remembered(ws):
    judged = policy(ws)
    targets = [Target(ws / "src/app.py", "write"), Target(ws / ".env", "write")]
    verdict = judged.judge(Act("edit", targets))
    assert isinstance(verdict, Ask)
    assert verdict.scope == ""
    judged.remember(Act("edit", targets), "allow_always")
    assert isinstance(write(judged, ws / "src/app.py"), Ask)


def test_always_deny_refuses_from_then_on(ws):
    judged = policy(ws)
    always(judged, "edit", ws / "src/app.py", "write", outcome="reject_always")
    assert isinstance(write(judged, ws / "src/other.py"), Refuse)


def test_an_edit_that_names_no_target_is_asked(ws):
    judged = WorkspacePolicy(EVERYTHING, [ws])
    assert isinstance(judged.judge(Act("edit")), Ask)
    assert isinstance(judged.judge(Act("execute")), Ask)


# --- commands -------------------------------------------------------------------------------


LISTS = Lists(("git status", "ls"), ("rm", "git status --short"))


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("git status", Allow),
        ("ls -l src && git status", Allow),
        ("make", Ask),
        ("ls > listing", Ask),
        ("ls $(touch x)", Ask),
        ("git status --short", Refuse),
        ("ls; rm -rf src", Refuse),
        ("echo $(rm x)", Refuse),
    ],
)
def test_the_lists_decide_about_commands(ws, command, expected):
    judged = policy(ws, execute=True, commands=LISTS)
    assert isinstance(run(judged, command, ws), expected)


def test_without_auto_approval_the_lists_only_deny(ws):
    judged = policy(ws, commands=LISTS)
    assert isinstance(run(judged, "ls", ws), Ask)
    assert isinstance(run(judged, "rm x", ws), Refuse)


def test_a_denied_command_is_refused_also_where_it_was_always_allowed_before(ws):
    judged = policy(ws)
    always(judged, "execute", ws, "read", "rm x")
    assert run(judged, "rm x", ws) == Allow()
    judged.rules = Rules(commands=LISTS)
    assert isinstance(run(judged, "rm x", ws), Refuse)


@pytest.mark.parametrize("place", ["out", ".git", "../other"])
def test_a_command_outside_or_in_a_protected_folder_is_asked(ws, place):
    (ws / ".git").mkdir()
    judged = policy(ws, execute=True, commands=LISTS)
    assert isinstance(run(judged, "ls", ws / place), Ask)


def test_a_command_that_names_what_is_kept_from_the_agent_is_refused(ws):
    judged = policy(ws, execute=True, commands=Lists(("cat",), ()))
    assert run(judged, "cat src/app.py", ws) == Allow()
    (ws / ".rooignore").write_text("src/\n", "utf-8")
    assert ".rooignore" in run(judged, "cat src/app.py", ws).why
    assert isinstance(run(judged, "cat src/app.py", ws), Refuse)
    assert isinstance(run(judged, "cat s*/app.py", ws), Ask)


def test_each_command_is_asked_in_a_shell_that_is_not_read(ws):
    judged = policy(ws, execute=True, commands=LISTS, other_shell=True)
    assert isinstance(run(judged, "ls", ws), Ask)


def test_the_question_tells_why_and_what_holds_the_command_back(ws):
    judged = policy(ws, execute=True, commands=LISTS, sandbox="Sandbox: on")
    asked = run(judged, "make", ws)
    assert asked.note == "Sandbox: on"
    assert "allowedCommands has no entry for make" in asked.why


def test_nothing_that_acts_is_approved_any_more_once_a_command_surprised_us(ws):
    surprises = Surprises()
    judged = WorkspacePolicy(replace(EVERYTHING, commands=LISTS), [ws], surprises)
    assert (run(judged, "ls", ws), write(judged, ws / "x")) == (Allow(), Allow())
    surprises.happened("a command changed protected files (.envrc)")
    assert ".envrc" in run(judged, "ls", ws).why
    assert ".envrc" in write(judged, ws / "x").why
    assert read(judged, ws / "src/app.py") == Allow()


def test_always_for_a_command_covers_exactly_that_text_in_that_folder(ws):
    judged = policy(ws)
    always(judged, "execute", ws, "read", "make test")
    assert run(judged, "make test", ws) == Allow()
    assert isinstance(run(judged, "make test ", ws), Ask)
    assert isinstance(run(judged, "make test; rm x", ws), Ask)
    assert isinstance(run(judged, "make test", ws / "src"), Ask)


def test_a_command_that_was_approved_is_not_asked_again_until_something_is_denied(ws):
    judged = policy(ws, sandbox="Sandbox: on")
    always(judged, "execute", ws, "read", "make test", outcome="allow_once")
    assert run(judged, "make test", ws) == Allow()
    assert isinstance(run(judged, "make test ", ws), Ask)
    assert isinstance(run(judged, "make test", ws / "src"), Ask)
    judged.rules = replace(judged.rules, sandbox="Sandbox: off")
    assert isinstance(run(judged, "make test", ws), Ask)
    judged.rules = replace(judged.rules, sandbox="Sandbox: on")
    assert run(judged, "make test", ws) == Allow()
    always(judged, "execute", ws, "read", "rm x", outcome="reject_once")
    assert isinstance(run(judged, "make test", ws), Ask)


def test_an_approved_command_that_is_denied_by_a_list_since_is_refused(ws):
    judged = policy(ws)
    always(judged, "execute", ws, "read", "make test", outcome="allow_once")
    judged.rules = replace(judged.rules, commands=Lists((), ("make",)))
    assert isinstance(run(judged, "make test", ws), Refuse)


def test_one_approval_of_an_edit_is_for_that_edit(ws):
    judged = policy(ws)
    always(judged, "edit", ws / "x", "write", outcome="allow_once")
    assert isinstance(write(judged, ws / "x"), Ask)


def test_always_for_a_beginning_covers_what_begins_so_with_harmless_options(ws):
    judged = policy(ws)
    assert run(judged, "pytest -q", ws).prefix == "pytest"
    always(judged, "execute", ws, "read", "pytest -q", outcome="allow_always_prefix")
    assert run(judged, "pytest -q", ws) == Allow()
    assert run(judged, "pytest -x src", ws / "src") == Allow()
    for text in ("pytest -p plugin", "pytest -q; make", "pytest > out", "pytest-watch", "make"):
        assert isinstance(run(judged, text, ws), Ask), text
    assert isinstance(run(judged, "pytest -q", ws.parent / "other"), Ask)
    judged.rules = replace(judged.rules, commands=Lists((), ("pytest",)))
    assert isinstance(run(judged, "pytest -q", ws), Refuse)


@pytest.mark.parametrize(
    "command",
    [
        "sh test.sh",
        "bash -c ls",
        "env ls",
        "sudo ls",
        "xargs ls",
        "timeout 5 ls",
        "python -m pytest",
        "python3.12 app.py",
        "node app.js",
        "npm run build",
        "npx tsc",
        "uv run pytest",
        "cargo run",
        "docker run image",
        "git -C src status",
        "ls | wc -l",
        "ls && pwd",
        "NAME=1 ls",
        "ls > out",
        "ls $HOME",
        "unheard-of thing",
    ],
)
def test_what_runs_other_programs_or_is_not_known_is_approved_as_this_command_alone(ws, command):
    verdict = run(policy(ws), command, ws)
    assert isinstance(verdict, Ask)
    assert verdict.scope.startswith("exactly this command")
    assert verdict.prefix == ""


def test_a_command_that_runs_elsewhere_than_it_named_is_asked(ws):
    judged = policy(ws)
    always(judged, "execute", ws, "read", "make")
    verdict = judged.judge(Act("execute", [Target(ws, "read")], "make", ws / "src"))
    assert isinstance(verdict, Ask)
    assert verdict.scope == ""


# --- modes ----------------------------------------------------------------------------------


def test_a_group_the_mode_lacks_is_refused_with_the_modes_that_have_it(ws):
    for verdict in (
        write(policy(ws, mode="ask", edit=True), ws / "x"),
        policy(ws, mode="ask").pin(Act("edit", [Target(ws / "x", "write")])),
    ):
        assert isinstance(verdict, Refuse)
        assert "'ask' has no edit tools" in verdict.why
        assert "code" in verdict.why


def test_an_edit_that_misses_the_modes_pattern_is_refused(ws):
    judged = policy(ws, mode="architect", edit=True)
    assert write(judged, ws / "plan.md") == Allow()
    verdict = write(judged, ws / "src/app.py")
    assert isinstance(verdict, Refuse)
    assert "Modes that may edit any file: code, debug" in verdict.why
    both = [Target(ws / "plan.md", "write"), Target(ws / "src/app.py", "write")]
    assert isinstance(judged.judge(Act("edit", both)), Refuse)


def test_a_link_does_not_get_around_the_modes_pattern(ws):
    (ws / "plan.md").symlink_to("src/app.py")
    assert isinstance(write(policy(ws, mode="architect", edit=True), ws / "plan.md"), Refuse)


def test_an_always_does_not_outlive_the_mode(ws):
    judged = policy(ws)
    always(judged, "edit", ws / "src/app.py", "write")
    judged.rules = replace(judged.rules, mode="ask")
    assert isinstance(write(judged, ws / "src/app.py"), Refuse)


def test_an_unknown_mode_has_no_tools(ws):
    assert isinstance(read(policy(ws, mode="gone"), ws / "src/app.py"), Refuse)


@pytest.mark.parametrize(
    ("group", "setting"), [("mode", "mode_switch"), ("subtask", "subtask"), ("fetch", "fetch")]
)
def test_other_groups_follow_their_setting_and_their_always(ws, group, setting):
    assert policy(ws, **{setting: True}).judge(Act(group)) == Allow()
    judged = policy(ws)
    assert isinstance(judged.judge(Act(group)), Ask)
    judged.remember(Act(group, []), "allow_always")
    assert judged.judge(Act(group)) == Allow()


def test_what_acts_on_nothing_is_allowed_but_not_with_targets(ws):
    assert policy(ws).judge(Act("always")) == Allow()
    assert isinstance(read(policy(ws), "/etc/passwd", group="always"), Ask)


# --- never ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/proc/self/environ", "/dev/zero", "/sys/x", "missing/../../x"])
def test_what_can_never_be_is_refused_before_anything_is_looked_at(ws, path):
    judged = WorkspacePolicy(EVERYTHING, [ws])
    for access in ("read", "write"):
        assert isinstance(judged.pin(Act("read", [Target(ws / path, access)])), Refuse)
        assert isinstance(judged.judge(Act("edit", [Target(ws / path, access)])), Refuse)
    assert isinstance(run(judged, "true", ws / path), Refuse)


def test_the_servers_own_state_is_refused_also_through_a_link(ws, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    (ws / "s").symlink_to(state)
    judged = WorkspacePolicy(replace(EVERYTHING, state_dir=state), [ws])
    for path in (state, state / "trust.json", ws / "s/trust.json", ws / "../state/x"):
        assert isinstance(read(judged, path), Refuse)
        assert isinstance(write(judged, path), Refuse)


def test_what_fails_to_be_checked_is_refused(ws, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("bug")

    monkeypatch.setattr(policy_module, "resolve", broken)
    judged = WorkspacePolicy(EVERYTHING, [ws])
    assert read(judged, ws / "src/app.py") == Refuse(policy_module.UNCHECKED)
    assert judged.pin(Act("read", [Target(ws, "read")])) == Refuse(policy_module.UNCHECKED)


def test_a_mode_pattern_that_is_no_expression_is_a_refusal(ws, caplog):
    mode = Mode("odd", "Odd", "", {"edit": "("})
    judged = policy(ws, mode="odd", modes={**MODES, "odd": mode}, edit=True)
    assert write(judged, ws / "x") == Refuse(policy_module.UNCHECKED)


def test_the_real_paths_are_told(ws, tmp_path):
    assert policy(ws).resolved([Target(ws / "out/x", "read")]) == (tmp_path / "other/x",)


def test_rules_that_came_since_hold_for_what_is_judged(ws):
    rules = [Rules()]
    policy = WorkspacePolicy(rules[0], [ws], now=lambda: rules[0])
    assert isinstance(run(policy, "make all", ws), Ask)
    rules[0] = Rules(commands=Lists((), ("make",)))
    assert isinstance(run(policy, "make all", ws), Refuse)


def test_a_servers_tool_runs_unasked_where_the_setting_and_its_entry_say_so_or_a_command_line(
    tmp_path: Path,
) -> None:
    named, other = (
        Act("mcp", about=each, preapproved=each == "named") for each in ("named", "other")
    )
    policy = WorkspacePolicy(Rules(), [tmp_path])
    assert isinstance(policy.judge(named), Ask)
    policy.rules = Rules(mcp=True)
    assert isinstance(policy.judge(named), Allow)
    assert isinstance(policy.judge(other), Ask)
    policy.rules = Rules(mcp=True, any_mcp=True)
    assert isinstance(policy.judge(other), Allow)
    policy.rules = Rules()
    policy.remember(other, "allow_always")
    assert isinstance(policy.judge(other), Allow)
    assert isinstance(policy.judge(named), Ask), "always is for one tool"
    policy.remember(named, "reject_always")
    assert isinstance(policy.judge(named), Refuse)

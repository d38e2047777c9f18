"""Commands: what they see, what they print, and that nothing of them stays behind."""

import asyncio
import gc
import os
import stat
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import Command, Ended, OutputQuery
from roo_lsp.workspace.commands import (
    SILENT_SECONDS,
    ShellOptions,
    ShellRunner,
    command_environment,
    limit_numbers,
)
from roo_lsp.workspace.job import Stream
from tests.support.passing import passing_time
from tests.support.processes import PATIENCE, Shown, ended, sleeping

KEY = "sk-canary-000111222"
LIMIT = 40
"""Seconds, which only pass where a test lets them."""


@pytest.fixture
async def runner(tmp_path):
    runner = ShellRunner(tmp_path / "outputs", grace=0.3)
    yield runner
    await runner.close()


async def gone(pid: int) -> None:
    """Return when a process is no more, or is a zombie nobody of ours has to reap."""
    with suppress(psutil.NoSuchProcess):
        await ended(psutil.Process(pid))


async def run(runner, text, cwd, **options):
    shown = Shown()
    result = await runner.run(Command(text, cwd, **options), shown)
    return result, shown


async def run_past_its_limit(runner, text, cwd, **options):
    """`run`, where a limit of `LIMIT` seconds runs out once the command has printed `up`."""
    shown, pass_time = Shown(), passing_time()
    task = asyncio.create_task(runner.run(Command(text, cwd, **options), shown))
    await shown.until("up\n")
    pass_time(LIMIT)
    return await task, shown


async def test_output_and_exit_code_come_back(runner, tmp_path):
    result, sink = await run(runner, "echo out; echo err >&2; exit 3", tmp_path)
    assert (result.state, result.code) == ("exited", 3)
    assert result.preview == sink.text == "out\nerr\n"
    assert result.artifact_id is None
    assert result.total_bytes == 8
    assert not (tmp_path / "outputs").exists()


async def test_a_command_ended_by_a_signal_tells_which(runner, tmp_path):
    result, _ = await run(runner, "kill -KILL $$", tmp_path)
    assert (result.state, result.code) == ("signalled", 9)


async def test_a_command_runs_in_its_folder_and_reads_nothing(runner, tmp_path):
    result, _ = await run(runner, "pwd; cat", tmp_path)
    assert result.preview == f"{tmp_path}\n"


async def test_a_missing_folder_is_told(runner, tmp_path):
    with pytest.raises(ToolError, match="does not exist"):
        await run(runner, "true", tmp_path / "nowhere")


async def test_a_missing_shell_is_told_in_words(tmp_path):
    runner = ShellRunner(tmp_path, partial(ShellOptions, shell=Path("/no/such/shell")))
    with pytest.raises(ToolError, match="Commands cannot run here"):
        await run(runner, "true", tmp_path)


async def test_a_command_that_is_too_long_for_the_system_is_told(runner, tmp_path):
    with pytest.raises(ToolError, match="too long"):
        await run(runner, "echo " + "x" * 3_000_000, tmp_path)


async def test_the_environment_is_an_allow_list(tmp_path):
    hostile = {
        "OPENAI_API_KEY": KEY,
        "BASH_ENV": "/tmp/evil",
        "BASH_FUNC_ls%%": "() { echo evil; }",
        "LD_PRELOAD": "/tmp/evil.so",
        "GIT_DIR": "/tmp/evil",
        "PATH": f":.:bin:{tmp_path}/../x:/usr/bin:/bin",
        "HOME": "/home/u",
        "LC_TIME": "C",
    }
    runner = ShellRunner(tmp_path / "o", partial(ShellOptions, env={"MINE": "1"}), environ=hostile)
    result, _ = await run(runner, "env", tmp_path)
    seen = dict(line.split("=", 1) for line in result.preview.splitlines())
    assert KEY not in result.preview
    assert "evil" not in result.preview
    assert seen["PATH"] == f"{tmp_path}/../x:/usr/bin:/bin"
    assert seen["MINE"] == "1"
    assert seen["TERM"] == "dumb"
    assert seen["GIT_CONFIG_COUNT"] == "2"
    assert seen["LC_TIME"] == "C"


def test_relative_and_empty_path_entries_are_dropped():
    assert command_environment({"PATH": "::.:a/b:/usr/bin:"}, {})["PATH"] == "/usr/bin"


async def test_git_does_not_run_a_program_that_a_repository_names(runner, tmp_path):
    (tmp_path / "evil.sh").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (tmp_path / "evil.sh").chmod(0o755)
    text = "git init -q r && cd r && git config core.fsmonitor ../evil.sh && git status"
    result, _ = await run(runner, text, tmp_path)
    assert result.code == 0, result.preview
    assert not (tmp_path / "ran").exists()


async def test_long_output_is_shown_at_both_ends_and_kept_whole(runner, tmp_path):
    result, _ = await run(runner, "seq 1 20000", tmp_path)
    whole = "".join(f"{n}\n" for n in range(1, 20001))
    assert result.preview.startswith("1\n2\n3\n")
    assert result.preview.endswith("19999\n20000\n")
    assert f"[...{len(whole) - 10240} bytes omitted...]" in result.preview
    assert result.total_bytes == len(whole)
    assert result.artifact_id == "cmd-1.txt"
    file = tmp_path / "outputs" / "cmd-1.txt"
    assert file.read_text() == whole
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_a_preview_cuts_no_character_in_two(runner, tmp_path):
    result, _ = await run(runner, "for i in $(seq 9000); do printf '€'; done", tmp_path)
    assert "\ufffd" not in result.preview


async def test_output_is_read_in_parts_that_begin_and_end_at_characters(runner, tmp_path):
    await run(runner, "for i in $(seq 9000); do printf '€'; done", tmp_path)
    text, offset = "", 0
    while True:
        part = await runner.output("cmd-1.txt", OutputQuery(offset, 1000))
        text += part.text
        assert part.end > offset
        offset = part.end
        if part.end == part.total:
            break
    assert text == "€" * 9000
    middle = await runner.output("cmd-1.txt", OutputQuery(1, 7))
    assert (middle.text, middle.start, middle.end) == ("€", 3, 6)


async def test_output_is_searched_and_the_matches_are_counted(runner, tmp_path):
    await run(runner, "seq 1 20000", tmp_path)
    part = await runner.output("cmd-1.txt", OutputQuery(0, 40, "^1999[0-9]$"))
    assert part.matches == 10
    assert part.text.startswith("19990:19990\n")
    assert part.text.endswith("\n")


async def test_a_bad_pattern_is_told_in_ripgreps_words(runner, tmp_path):
    await run(runner, "seq 1 20000", tmp_path)
    with pytest.raises(ToolError, match="unclosed group"):
        await runner.output("cmd-1.txt", OutputQuery(0, 100, "("))


@pytest.mark.parametrize("artifact", ["../secret", "cmd-1.txt/../../x", "/etc/passwd", "cmd-x.txt"])
async def test_only_outputs_of_the_task_can_be_read(runner, artifact):
    with pytest.raises(ToolError):
        await runner.output(artifact, OutputQuery(0, 100))


async def test_an_offset_past_the_end_is_told_with_the_size(runner, tmp_path):
    await run(runner, "seq 1 20000", tmp_path)
    with pytest.raises(ToolError, match="108894 bytes"):
        await runner.output("cmd-1.txt", OutputQuery(108894, 100))


async def test_ids_go_on_where_an_earlier_run_of_the_task_stopped(runner, tmp_path):
    await run(runner, "seq 1 20000", tmp_path)
    later = ShellRunner(tmp_path / "outputs")
    result, _ = await run(later, "seq 1 20000", tmp_path)
    assert result.artifact_id == "cmd-2.txt"


async def test_output_beyond_the_disk_budget_is_counted_but_not_stored(tmp_path):
    runner = ShellRunner(tmp_path / "outputs", disk_budget=50_000)
    result, _ = await run(runner, "seq 1 20000", tmp_path)
    assert result.total_bytes == 108894
    assert (tmp_path / "outputs" / "cmd-1.txt").stat().st_size == 50_000
    assert "the first 50000 bytes are stored" in result.preview
    assert result.preview.endswith("20000\n")


async def test_output_is_shown_while_the_command_runs(runner, tmp_path):
    sink = Shown()
    command = Command("echo one; read < fifo; echo two", tmp_path)
    os.mkfifo(tmp_path / "fifo")
    task = asyncio.create_task(runner.run(command, sink))
    assert await sink.until("one\n") == "one\n"
    await asyncio.to_thread((tmp_path / "fifo").write_text, "go\n")
    result = await task
    assert result.preview == sink.text == "one\ntwo\n"


def test_a_character_that_comes_in_two_pieces_is_shown_whole():
    stream = Stream()
    stream.add("€".encode()[:1])
    assert stream.take() == ""
    stream.add("€".encode()[1:])
    assert stream.take() == "€"


async def test_a_command_that_prints_for_ever_is_bounded_in_what_is_shown(tmp_path):
    runner = ShellRunner(
        tmp_path / "outputs", partial(ShellOptions, timeout=0.7), grace=0.3, disk_budget=100_000
    )
    result, sink = await run(runner, "yes", tmp_path)
    assert result.state == "timed_out"
    assert len(sink.text) < 3_000_000
    assert len(result.preview) < 11_000


async def test_a_timeout_ends_the_whole_group_also_where_it_ignores_sigterm(tmp_path):
    runner = ShellRunner(tmp_path / "outputs", partial(ShellOptions, timeout=LIMIT), grace=0.1)
    text = "trap '' TERM; sleep 999 & echo $! $$ up; sleep 998"
    result, sink = await run_past_its_limit(runner, text, tmp_path)
    assert result.state == "timed_out"
    for pid in map(int, sink.text.split()[:2]):
        await gone(pid)


async def test_a_command_may_end_in_order_within_the_grace_time(tmp_path):
    runner = ShellRunner(tmp_path / "outputs", partial(ShellOptions, timeout=LIMIT), grace=LIMIT)
    text = "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done"
    result, _ = await run_past_its_limit(runner, text, tmp_path)
    assert (result.state, result.code) == ("timed_out", 7)
    assert result.preview.endswith("bye\n")


async def test_cancelling_kills_the_group(runner, tmp_path):
    sink = Shown()
    text = "trap '' TERM; sleep 999 & echo $! $$ end; wait"
    task = asyncio.create_task(runner.run(Command(text, tmp_path), sink))
    pids = (await sink.until("end")).split()[:2]
    task.cancel()
    async with asyncio.timeout(60):
        with pytest.raises(asyncio.CancelledError):
            await task
    for pid in map(int, pids):
        await gone(pid)


async def test_closing_before_the_first_step_leaves_no_process(runner, tmp_path):
    known = {process.pid for process in psutil.Process().children()}
    task = asyncio.create_task(runner.run(Command("sleep 999", tmp_path), Shown()))
    await asyncio.sleep(0)  # the process is there, and nobody has begun to watch it
    [pid] = {process.pid for process in psutil.Process().children()} - known
    await runner.close()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(pid)


async def test_a_slow_command_goes_on_in_the_background(runner, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    text = "echo up; read < fifo; echo two"
    result, sink = await run_past_its_limit(runner, text, tmp_path, background_after=LIMIT)
    assert (result.state, result.code, result.preview) == ("running", None, "up\n")
    assert result.artifact_id == "cmd-1.txt"
    part = await runner.output("cmd-1.txt", OutputQuery(0, 100))
    assert (part.text, part.running) == ("up\n", True)
    await asyncio.to_thread((tmp_path / "fifo").write_text, "go\n")
    async with asyncio.timeout(60):
        while part.running:
            await asyncio.sleep(0.01)
            part = await runner.output("cmd-1.txt", OutputQuery(0, 100))
    assert part.text == "up\ntwo\n"
    assert sink.text == "up\n"


async def test_closing_kills_what_is_in_the_background(tmp_path):
    runner = ShellRunner(tmp_path / "outputs")
    text = "echo $$ up; exec sleep 999"
    _, sink = await run_past_its_limit(runner, text, tmp_path, background_after=LIMIT)
    await runner.close()
    await gone(int(sink.text.split()[0]))


async def test_a_child_that_holds_the_output_open_does_not_keep_the_command(tmp_path):
    runner = ShellRunner(tmp_path / "outputs")
    async with asyncio.timeout(60):
        result, _ = await run(runner, "sleep 999 & echo $!", tmp_path)
    assert (result.state, result.code) == ("exited", 0)
    assert "1 of its processes go on in the background" in result.preview
    pid = int(result.preview.split()[0])
    assert psutil.pid_exists(pid)
    await runner.close()
    await gone(pid)


async def test_a_child_that_is_left_with_its_output_elsewhere_is_killed_on_close_too(tmp_path):
    runner = ShellRunner(tmp_path / "outputs")
    result, _ = await run(runner, "sleep 999 >/dev/null 2>&1 & echo $!", tmp_path)
    pid = int(result.preview.split()[0])
    await runner.close()
    await gone(pid)


async def test_no_descriptor_is_left_open(runner, tmp_path):
    await run(runner, "seq 20000", tmp_path)
    gc.collect()  # what other tests left open
    before = psutil.Process().num_fds()
    for _ in range(5):
        await run(runner, "seq 20000", tmp_path)
    assert psutil.Process().num_fds() <= before


# --- what a long and a silent one do ------------------------------------------------------------


async def test_a_command_that_is_silent_for_long_goes_on_in_the_background(runner, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    shown, pass_time = Shown(), passing_time()
    task = asyncio.create_task(runner.run(Command("echo up; read < fifo", tmp_path), shown))
    await shown.until("up\n")
    pass_time(SILENT_SECONDS + 1)
    result = await task
    assert (result.state, result.silent, result.preview) == ("running", True, "up\n")
    stopped = await runner.output("cmd-1.txt", OutputQuery(stop=True))
    assert not stopped.running
    assert stopped.ending == "signal 15"


async def test_a_command_that_prints_goes_on_in_the_background_only_after_long(runner, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    shown, pass_time = Shown(), passing_time()
    text = "echo up; while read line; do echo $line; done < fifo"
    task = asyncio.create_task(runner.run(Command(text, tmp_path), shown))
    await shown.until("up\n")
    with await asyncio.to_thread((tmp_path / "fifo").open, "w", buffering=1) as fifo:
        for number in range(2):
            pass_time(SILENT_SECONDS - 5)
            fifo.write(f"more {number}\n")
            await shown.until(f"more {number}\n")
        assert not task.done()
        pass_time(15)
        result = await task
    assert (result.state, result.silent) == ("running", False)


async def test_its_end_is_waited_for_and_told_once(runner, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    text = "echo up; read < fifo; echo two; exit 3"
    await run_past_its_limit(runner, text, tmp_path, background_after=LIMIT)
    waiting = asyncio.create_task(
        runner.output("cmd-1.txt", OutputQuery(None, 4096, wait=PATIENCE))
    )
    await asyncio.to_thread((tmp_path / "fifo").write_text, "go\n")
    part = await waiting
    assert (part.text, part.running, part.ending) == ("up\ntwo\n", False, "exit code 3")
    assert runner.ended() == []


async def test_that_one_has_ended_is_told_once_with_what_it_printed_last(runner, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    text = "echo up; read < fifo; exit 3"
    await run_past_its_limit(runner, text, tmp_path, background_after=LIMIT)
    await asyncio.to_thread((tmp_path / "fifo").write_text, "go\n")
    async with asyncio.timeout(60):
        while not (ended := runner.ended()):
            await run(runner, "true", tmp_path)
    assert ended == [Ended("cmd-1.txt", text, "exit code 3", "up\n")]
    assert runner.ended() == []


async def test_what_a_stopped_command_left_running_is_gone(runner, tmp_path):
    server = "python3 -u -m http.server 0 --bind 127.0.0.1"
    result, _ = await run(runner, f"setsid {server} & echo $!", tmp_path)
    assert result.left_behind == 1
    pid = int(result.preview.split()[0])
    await runner.output("cmd-1.txt", OutputQuery(stop=True))
    await gone(pid)


async def test_what_left_its_group_and_its_parent_ends_with_the_command_too(tmp_path):
    runner = ShellRunner(tmp_path / "outputs", partial(ShellOptions, timeout=LIMIT), grace=0.1)
    text = "(setsid sleep 999 & echo $!); (setsid sleep 998 &); echo up; sleep 997"
    result, sink = await run_past_its_limit(runner, text, tmp_path)
    assert result.state == "timed_out"
    await gone(int(sink.text.split()[0]))
    assert not any(sleeping(mark) for mark in ("999", "998", "997"))


async def test_a_command_that_stops_its_supervisor_ends_at_its_limit(tmp_path):
    runner = ShellRunner(tmp_path / "outputs", partial(ShellOptions, timeout=LIMIT), grace=0.1)
    text = "echo $$ up; kill -STOP $PPID; echo up; sleep 996"
    result, sink = await run_past_its_limit(runner, text, tmp_path)
    assert result.state == "timed_out"
    await gone(int(sink.text.split()[0]))


# --- what it printed --------------------------------------------------------------------------


async def test_a_progress_bar_does_not_crowd_out_the_end(runner, tmp_path):
    text = "for i in $(seq 5000); do printf '\\r%d of 5000 \\033[32mdone\\033[0m' $i; done; echo; echo built"
    result, _ = await run(runner, text, tmp_path)
    assert result.preview == "5000 of 5000 done\nbuilt\n"


async def test_a_prompt_without_a_line_end_is_seen_while_it_waits(runner, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    text = "echo up; printf 'Password: '; read < fifo"
    shown, pass_time = Shown(), passing_time()
    task = asyncio.create_task(runner.run(Command(text, tmp_path, LIMIT), shown))
    await shown.until("Password: ")
    pass_time(LIMIT)
    await task
    part = await runner.output("cmd-1.txt", OutputQuery())
    assert part.text == "up\nPassword: "


async def test_a_long_failure_shows_its_errors(runner, tmp_path):
    text = "seq 3000 | sed 's/$/x/; s/1/one/g; 1500s/.*/lib.c:7: error: no such member/'; seq 4000; exit 2"
    result, _ = await run(runner, text, tmp_path)
    assert "\n1500: lib.c:7: error: no such member\n" in result.preview
    assert result.preview.endswith("lines like it...]\n4000\n")
    assert len(result.preview) < 11_000
    found = await runner.output("cmd-1.txt", OutputQuery(search="no such", context=1))
    assert found.matches == 1
    assert found.text.splitlines() == [
        "1499-one499x",
        "1500:lib.c:7: error: no such member",
        "1501-one50onex",
    ]


async def test_an_unknown_output_names_those_there_are(runner, tmp_path):
    await run(runner, "seq 1 20000", tmp_path)
    with pytest.raises(ToolError, match=r"there are: cmd-1\.txt"):
        await runner.output("cmd-7.txt", OutputQuery())


# --- editors that nobody sees -----------------------------------------------------------------


async def test_git_waits_for_no_editor(runner, tmp_path):
    setup = (
        "git init -q -b main . && git config user.name A && git config user.email a@b.example && "
        "git config core.editor 'sleep 995;' && git config sequence.editor 'sleep 995;' && "
        "git commit -q --allow-empty -m one && git commit -q --allow-empty -m two"
    )
    result, _ = await run(runner, setup, tmp_path)
    assert result.code == 0, result.preview
    amended, _ = await run(
        runner, "git commit -q --amend --allow-empty && git log -1 --format=%s", tmp_path
    )
    assert amended.preview == "two\n"
    empty, _ = await run(runner, "git commit --allow-empty", tmp_path)
    assert empty.code != 0
    assert "empty commit message" in empty.preview
    rebased, _ = await run(runner, "git rebase -i HEAD~1", tmp_path)
    assert rebased.code != 0
    assert "editor" in rebased.preview


# --- limits -----------------------------------------------------------------------------------


async def test_a_command_takes_no_more_than_it_may(tmp_path):
    limits = limit_numbers(processes=0, memory=500, file_size=1)
    runner = ShellRunner(tmp_path / "outputs", partial(ShellOptions, limits=limits))
    result, _ = await run(runner, "ulimit -v; ulimit -f; head -c 3000000 /dev/zero > big", tmp_path)
    assert result.preview.startswith("488281\n976\n")
    assert (tmp_path / "big").stat().st_size <= 1_000_000
    assert result.code != 0
    unlimited, _ = await run(ShellRunner(tmp_path / "o2"), "ulimit -v; ulimit -f", tmp_path)
    assert unlimited.preview == "unlimited\nunlimited\n"


def test_limits_that_are_not_set_are_not_asked_for():
    assert limit_numbers(0, 0, 0) == {}
    assert len(limit_numbers(100, 0, 0)) == 1

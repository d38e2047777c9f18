"""`roo-lsp run`: the whole way, from the command line to an endpoint and back."""

import asyncio
import json
import os
import signal
from importlib.metadata import version
from pathlib import Path

import psutil
import pytest

from roo_lsp.cli.client import ServerEnded, connect
from roo_lsp.workspace.sandbox.find import find_sandbox
from tests.cli.runs import PATIENCE, Ended, arguments, run, terminal, words
from tests.support.fake_openai import FakeOpenAI, call, hang, spoken, status, text
from tests.support.processes import asleep, ended


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.txt").write_text("one\ntwo\n", "utf-8")
    return folder


def edits() -> tuple:
    return (
        call("write_to_file", {"path": "new.txt", "content": "made\n"}),
        call("attempt_completion", {"result": "All is made."}),
    )


async def test_a_task_ends_with_0_and_its_answer(folder):
    async with FakeOpenAI() as fake:
        fake.answers(
            text("I look. ") + call("read_file", {"path": "a.txt"}),
            call("attempt_completion", {"result": "Two lines."}).using(1200, 30),
        )
        ended = await run(fake, folder, "What is in a.txt?")
    assert ended.code == 0, ended
    assert "I look." in ended.out
    assert "◇ Read a.txt  ✓" in ended.out
    assert "1-2 of 2" in ended.out
    assert "Two lines." in ended.out
    assert "✓ Done · 2 requests" in ended.out
    assert "--resume" in ended.out
    assert "\x1b" not in ended.out
    assert ended.err == ""


async def test_the_first_line_names_the_model_that_is_asked_and_where(folder):
    async with FakeOpenAI(models=["the-one"]) as fake:
        fake.answers(text("Hi."), text("Hi."))
        where = f"at {fake.base_url}"
        served = await run(fake, folder, "Greet", "--set", "provider.modelId=")
        named = await run(fake, folder, "Greet", "--mode", "ask")
        none = await run(fake, folder, "Greet", "--set", "provider.baseUrl=ftp://nowhere")
    begins = f"roo-lsp {version('roo-lsp')}, mode"
    assert served.out.startswith(f"{begins} code, the-one {where}\n"), served
    assert named.out.startswith(f"{begins} ask, fake-model {where}\n"), named
    assert none.out.startswith(f"{begins} code, no endpoint\n"), none


async def test_a_command_in_the_prompt_is_done_and_an_unknown_one_is_bad_usage(folder):
    async with FakeOpenAI() as fake:
        helped = await run(fake, folder, "/help")
        unknown = await run(fake, folder, "/hlep")
    assert (helped.code, unknown.code) == (0, 2), (helped, unknown)
    assert "`/mode MODE` Go on in another mode." in helped.out
    assert "There is no command /hlep; the nearest is /help." in unknown.out
    assert not fake.chats


async def test_json_is_one_event_for_each_line_and_nothing_else(folder):
    async with FakeOpenAI() as fake:
        fake.answers(text("Hello ☃\u2028.", pieces=3))
        ended = await run(fake, folder, "--json", "-", stdin=b"Say hello")
    assert (ended.code, ended.err) == (0, "")
    events = [json.loads(line) for line in ended.out.split("\n") if line]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert words(ended.updates) == "Hello ☃\u2028."
    prompts = [u for u in ended.updates if u["sessionUpdate"] == "user_message_chunk"]
    assert [p["content"]["text"] for p in prompts] == ["Say hello"]
    assert ended.updates[-1] == {
        "sessionUpdate": "_state",
        "state": "idle",
        "stopReason": "end_turn",
    }


@pytest.mark.parametrize("flags", [["--yes"], ["--yes=edit"], ["--set", "autoApprove.edit=true"]])
async def test_an_edit_that_a_flag_allows_is_made(folder, flags):
    async with FakeOpenAI() as fake:
        fake.answers(*edits())
        ended = await run(fake, folder, *flags, "Make it")
    assert ended.code == 0, ended
    assert (folder / "new.txt").read_text() == "made\n"


def a_part() -> tuple:
    part = {"mode": "code", "message": "Make new.txt"}
    return (call("new_task", part), *edits(), text("The part is done."))


async def test_a_subtask_is_seen_at_work_and_its_result_is_the_tasks(folder):
    async with FakeOpenAI() as fake:
        fake.answers(*a_part())
        ended = await run(fake, folder, "--yes", "Make it")
    assert ended.code == 0, ended
    assert (folder / "new.txt").read_text() == "made\n"
    begun, made, done, said = (
        ended.out.index(each)
        for each in (
            "▸ Subtask: Make new.txt",
            "→ Create new.txt  ✓",
            "Subtask in mode code: Make new.txt  ✓",
            "The part is done.",
        )
    )
    assert begun < made < done < said
    assert "All is made." not in ended.out.replace("Make new.txt", ""), "that is for the task"
    assert "4 requests" in ended.out


async def test_what_nobody_allowed_to_a_subtask_stops_the_run(folder):
    async with FakeOpenAI() as fake:
        fake.answers(*a_part())
        ended = await run(fake, folder, "--set", "autoApprove.subtask=true", "Make it")
    assert ended.code == 3, ended
    assert "Not approved: Create new.txt." in ended.out
    assert "--yes=edit" in ended.out


async def test_an_edit_that_nobody_allowed_stops_the_run_with_3_and_the_flag(folder):
    async with FakeOpenAI() as fake:
        fake.answers(*edits())
        ended = await run(fake, folder, "Make it")
    assert ended.code == 3, ended
    assert not (folder / "new.txt").exists()
    assert len(fake.chats) == 1
    told, last = ended.out.split("Not approved: Create new.txt.")[-2:]
    assert "Nobody was there to be asked" in told + last
    assert "--yes=edit" in last
    assert "cancelled" not in ended.out.lower()


async def test_what_nobody_was_there_to_allow_is_told_to_the_model_with_the_flag(folder):
    async with FakeOpenAI() as fake:
        fake.answers(*edits())
        ended = await run(fake, folder, "--json", "Make it")
        assert ended.code == 3, ended
        [result] = [u["rawOutput"] for u in ended.updates if u.get("status") == "failed"]
    assert result.startswith("Not approved: Create new.txt. Nobody was there to be asked.")
    assert "To allow it: --yes=edit" in result
    assert "Not approved: Create new.txt." in ended.err.strip().splitlines()[-1]


async def test_json_tells_the_flag_on_stderr(folder):
    async with FakeOpenAI() as fake:
        fake.answers(call("execute_command", {"command": "touch x"}))
        ended = await run(fake, folder, "--json", "--yes=edit", "Run it")
    assert ended.code == 3, ended
    assert "--yes=execute" in ended.err
    assert ended.updates[-1]["stopReason"] == "cancelled"
    assert not (folder / "x").exists()


async def test_yes_execute_runs_commands_and_shows_their_output(folder):
    async with FakeOpenAI() as fake:
        fake.answers(call("execute_command", {"command": "echo o-k; exit 3"}), text("Ran."))
        ended = await run(fake, folder, "--yes=execute", "Run it")
    assert ended.code == 0, ended
    assert "$ Run echo o-k; exit 3  ✗" in ended.out
    assert "exit 3" in ended.out
    assert "│ o-k" in ended.out


async def test_yes_edit_does_not_allow_what_is_outside(folder):
    async with FakeOpenAI() as fake:
        fake.answers(call("write_to_file", {"path": "../out.txt", "content": "x"}))
        ended = await run(fake, folder, "--yes=edit", "Write")
    assert ended.code == 3, ended
    assert not (folder.parent / "out.txt").exists()
    assert "To allow it: --yes" in ended.out


async def test_an_error_of_the_endpoint_ends_with_1_in_its_own_words(folder):
    async with FakeOpenAI() as fake:
        fake.answers(status(401, {"error": {"message": "Incorrect API key: bad luck"}}))
        ended = await run(fake, folder, "Go")
    assert ended.code == 1, ended
    assert "✗ invalid_api_key: " in ended.out
    assert "bad luck" in ended.out


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--mode=poet"], "no mode 'poet'"),
        (["--profile=none"], "no profile 'none'"),
        (["--resume=20200101-000000-abcdef"], "there is no task"),
    ],
)
async def test_what_the_server_does_not_know_is_bad_usage(folder, flags, told):
    async with FakeOpenAI() as fake:
        ended = await run(fake, folder, *flags, "Go")
    assert ended.code == 2, ended
    assert told in ended.out + ended.err


async def test_a_key_goes_to_the_origin_the_command_line_names_and_is_written_nowhere(
    folder, monkeypatch
):
    async with FakeOpenAI() as fake:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-secret")
        fake.answers(
            call("execute_command", {"command": "env"}),
            status(400, {"error": {"message": "Your key sk-canary-secret is odd"}}),
        )
        ended = await run(fake, folder, "--json", "--yes", "Go")
    assert fake.chats[0].headers["authorization"] == "Bearer sk-canary-secret"
    assert "is odd" in ended.out
    assert "sk-canary-secret" not in ended.out + ended.err
    state = Path(os.environ["ROO_STATE_DIR"])
    written = [file for file in state.rglob("*") if file.is_file()]
    assert len(written) > 2
    assert [file for file in written if b"sk-canary-secret" in file.read_bytes()] == []


async def test_a_task_is_resumed_with_what_was_said(folder):
    async with FakeOpenAI() as fake:
        fake.answers(text("First."), text("Second."))
        first = await run(fake, folder, "--json", "Begin")
        task_id = json.loads(first.out.splitlines()[0])["taskId"]
        second = await run(fake, folder, "--json", f"--resume={task_id}", "Go on")
    assert second.code == 0, second
    assert words(second.updates) == "Second."
    assert json.loads(second.out.splitlines()[0])["seq"] > len(first.updates)
    said = [spoken(m["content"]) for m in fake.chats[1].json["messages"] if m["role"] == "user"]
    assert "Begin" in said[0]
    assert "Go on" in said[-1]


async def test_a_task_of_another_folder_is_not_resumed_here(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    async with FakeOpenAI() as fake:
        fake.always(text("ok"))
        first = await run(fake, folder, "--json", "Hello")
        task_id = json.loads(first.out.splitlines()[0])["taskId"]
        ended = await run(fake, elsewhere, f"--resume={task_id}", "Go on")
        assert ended.code == 2
        assert f"task {task_id} is of {folder}, and this is {elsewhere}" in ended.err
        assert f"--resume {task_id} --workspace {folder}" in ended.err
        assert len(fake.chats) == 1, "nothing was asked"


async def test_ctrl_c_cancels_the_task_and_ends_with_130(folder):
    async with FakeOpenAI() as fake:
        fake.answers(hang())
        process = await asyncio.create_subprocess_exec(
            *arguments(fake, folder, "--json", "Go"), stdout=asyncio.subprocess.PIPE
        )
        await fake.chat(1)
        server = psutil.Process(process.pid).children()
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE):
            out, _ = await process.communicate()
        await fake.hung_up
    done = Ended(process.returncode or 0, out.decode(), "")
    assert done.code == 130
    assert done.updates[-1]["stopReason"] == "cancelled"
    assert server
    await ended(*server)


async def test_a_command_dies_with_its_cancelled_run(folder):
    async with FakeOpenAI() as fake:
        mark = f"1000{os.getpid()}"  # in a sandbox, its process has another number
        fake.answers(call("execute_command", {"command": f"touch started; exec sleep {mark}"}))
        process = await asyncio.create_subprocess_exec(
            *arguments(fake, folder, "--json", "--yes", "Go"), stdout=asyncio.subprocess.PIPE
        )
        living = await asleep(mark, 1)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            await process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    await ended(*living)


async def test_nobody_reads_any_more(folder):
    async with FakeOpenAI() as fake:
        fake.always(text("word " * 100, pieces=100))
        process = await asyncio.create_subprocess_exec(
            *arguments(fake, folder, "--json", "Go"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        await process.stdout.readline()
        process.stdout._transport.close()  # pyright: ignore[reportAttributeAccessIssue]
        async with asyncio.timeout(PATIENCE):
            _, err = await process.communicate()
    assert process.returncode in {0, 1}
    assert b"Traceback" not in err


# --- on a terminal --------------------------------------------------------------------------


async def test_an_edit_is_asked_on_the_terminal_with_its_change(folder):
    async with FakeOpenAI() as fake:
        fake.answers(*edits())
        async with terminal(fake, folder, "Make it") as screen:
            await screen.shows("[a]lways: edits of files in this workspace, for this task")
            assert "1 + made" in screen.text
            assert not (folder / "new.txt").exists()
            screen.type("\n")  # Enter alone is no consent
            await screen.shows("[y]es", after=screen.text.index("[y]es") + 5)
            screen.type("y\n")
            await screen.shows("Done")
            assert await screen.ended() == 0
    assert (folder / "new.txt").read_text() == "made\n"
    assert screen.raw.rstrip().endswith('…"'.encode()) or "--resume" in screen.text
    assert screen.raw.count(b"\x1b[?25l") == screen.raw.count(b"\x1b[?25h")  # the cursor is back


async def test_what_is_typed_instead_of_yes_goes_to_the_model(folder):
    async with FakeOpenAI() as fake:
        fake.answers(call("execute_command", {"command": "rm -rf a.txt\x1b[8m"}), text("Well."))
        async with terminal(fake, folder, "Go") as screen:
            await screen.shows("or what to do instead")
            assert "rm -rf a.txt\\x1b[8m" in screen.text
            screen.type("do not delete it\n")
            assert await screen.ended() == 0
    assert (folder / "a.txt").exists()
    told = fake.chats[1].json["messages"][-1]["content"]
    assert "do not delete it" in told


async def test_quitting_a_question_stops_the_run_with_3(folder):
    async with FakeOpenAI() as fake:
        fake.answers(*edits())
        async with terminal(fake, folder, "Make it") as screen:
            await screen.shows("[q]uit")
            screen.type("q\n")
            assert await screen.ended() == 3
    assert not (folder / "new.txt").exists()


async def test_ctrl_c_at_a_question_cancels(folder):
    async with FakeOpenAI() as fake:
        fake.answers(*edits())
        async with terminal(fake, folder, "Make it") as screen:
            await screen.shows("[q]uit")
            screen.process.send_signal(signal.SIGINT)
            assert await screen.ended() == 130
    assert "Cancelled" in screen.text


async def test_a_question_of_the_model_is_answered_by_number(folder):
    question = {"question": "Which one?", "follow_up": ["red", "green"]}
    async with FakeOpenAI() as fake:
        fake.answers(call("ask_followup_question", question), text("Good."))
        async with terminal(fake, folder, "Go") as screen:
            await screen.shows("a number, or your own answer")
            screen.type("2\n")
            assert await screen.ended() == 0
    assert "green" in fake.chats[1].json["messages"][-1]["content"]


async def test_without_colour_there_is_no_colour(folder):
    async with FakeOpenAI() as fake:
        fake.answers(text("# Title\n\n`code`"))
        async with terminal(fake, folder, "Go", NO_COLOR="1") as screen:
            assert await screen.ended() == 0
    colours = [part for part in screen.raw.split(b"\x1b[")[1:] if b"m" in part[:6]]
    assert not [part for part in colours if part[:1] == b"3"]


async def test_a_dumb_terminal_gets_no_control_sequences(folder):
    async with FakeOpenAI() as fake:
        fake.answers(text("word " * 40))
        async with terminal(fake, folder, "Go", TERM="dumb") as screen:
            assert await screen.ended() == 0
    assert b"\x1b" not in screen.raw
    assert max(map(len, screen.text.split("\r\n"))) <= 80


# --- the client -----------------------------------------------------------------------------


async def test_files_of_the_workspace_do_not_shadow_the_server(folder):
    for name in ("roo_lsp.py", "json.py", "sitecustomize.py"):
        (folder / name).write_text("raise SystemExit('shadowed')\n")
    async with connect(folder) as server:
        assert await server.execute("roo.task.list") == []


async def test_a_server_that_cannot_start_says_why(tmp_path):
    with pytest.raises(ServerEnded, match=r"(?s)exit code 7.*no luck today"):
        async with connect(tmp_path, command=["sh", "-c", "echo no luck today >&2; exit 7"]):
            pass
    with pytest.raises(ServerEnded, match="could not be started"):
        async with connect(tmp_path, command=["/no/such/program"]):
            pass


async def test_settings_of_the_channel_reach_the_server_and_it_ends_with_the_block(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("roo_lsp.cli.client.END_SECONDS", PATIENCE)
    async with connect(tmp_path, settings={"mode": "ask"}) as server:
        assert (await server.execute("roo.status"))["mode"] == "ask"
        process = server._process
    assert process.returncode == 0


async def test_yes_does_not_let_a_command_out_of_the_sandbox(folder):
    if (await find_sandbox([folder], "auto")).jail is None:
        pytest.skip("there is no sandbox here")
    out = {"command": "touch left", "no_sandbox": True}
    for consent in ("--yes", "--yes=execute"):
        async with FakeOpenAI() as fake:
            fake.answers(call("execute_command", out), text("ok"))
            ended = await run(fake, folder, consent, "Go")
        assert ended.code == 3
        assert "commands.sandbox=off" in ended.out + ended.err
        assert not (folder / "left").exists()


async def test_where_there_is_no_sandbox_a_command_cannot_leave_one(folder):
    async with FakeOpenAI() as fake:
        fake.answers(
            call("execute_command", {"command": "touch left", "no_sandbox": True}), text("ok")
        )
        ended = await run(fake, folder, "--yes=execute", "--set", "commands.sandbox=off", "Go")
    assert ended.code == 0
    assert (folder / "left").exists()

"""What is measured: each measure runs one server through a scenario and returns its figures.

A figure is what one round gives (a median where the round has many samples); the rounds of roo-lsp
and of the bare loop alternate, so that a busy machine is busy for both.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import process_time_ns

from roo_lsp.agent.messages import AssistantMessage, Message, ToolCall, ToolMessage, UserMessage
from roo_lsp.agent.ports import ChatRequest, ToolSpec
from roo_lsp.providers.endpoint import Endpoint as Provider
from roo_lsp.providers.openai_compatible import OpenAICompatible
from roo_lsp.workspace.brought import instruction_files
from roo_lsp.workspace.trust import TrustStore
from tests.benchmarks.driver import ROO, Kind, RunFailed, Server, ready, spawned
from tests.benchmarks.endpoint import Endpoint, Served, Turn, call

READ_BYTES = 2048
WRITE_BYTES = 200_000
WRITE_DELTAS = 4000
IDLE_SECONDS = 2.0
RULED_ROUNDS = 30
SINGLE_PAUSE = 35_000_000
"""Nanoseconds after which a chunk counts as one that came alone: nothing is merged then."""

Figures = dict[str, float]


@dataclass(frozen=True)
class Place:
    """Where and what a measure runs on."""

    kind: Kind
    model: Endpoint
    folder: Path
    """Empty, for this run alone."""


@dataclass(frozen=True)
class Goal:
    """What a figure of roo-lsp should be at the most."""

    at_most: float | None = None
    times_bare: float | None = None
    above_bare: float | None = None

    def __str__(self) -> str:
        parts = [f"≤ {self.at_most:g}" if self.at_most is not None else ""]
        parts.append(f"≤ {self.times_bare:g} x bare" if self.times_bare is not None else "")
        parts.append(f"≤ bare + {self.above_bare:g}" if self.above_bare is not None else "")
        return ", ".join(filter(None, parts))

    def is_met(self, roo: float, bare: float | None) -> bool:
        """Whether these medians meet it."""
        if self.at_most is not None and roo > self.at_most:
            return False
        if bare is None:
            return True
        if self.times_bare is not None and roo > self.times_bare * bare:
            return False
        return self.above_bare is None or roo <= bare + self.above_bare


async def warm_up(place: Place) -> None:
    """Run a short task, so that everything is compiled and on its way from the disk."""
    async with ready(place.kind, place.folder, place.model.base_url) as server:
        await reads(place, server, 1)


# --- starting -----------------------------------------------------------------------------------


async def initialize(place: Place) -> Figures:
    """From the start of the process to the answer to `initialize`."""
    times: list[float] = []
    cpu: list[float] = []
    for number in range(3):
        async with spawned(place.kind, place.folder / str(number), place.model.base_url) as server:
            cpu.append(_ms(server.cpu_ns()))
            times.append(server.initialize_ms)
    return {"initialize": median(times), "initialize.cpu": median(cpu)}


async def start(place: Place) -> Figures:
    """From the command to the first request, on a server that idled, and on one just started."""
    figures: Figures = {}
    async with ready(place.kind, place.folder / "idle", place.model.base_url) as server:
        await asyncio.sleep(IDLE_SECONDS)
        later: list[float] = []
        for number in range(6):
            await place.model.plays([Turn(text="Hello.")])
            sent = await server.task()
            took = _ms((await _served(place, 1))[0].request_in - sent)
            if number:
                later.append(took)
            else:
                figures["start.first"] = took
        figures["start.later"] = median(later)
    async with spawned(place.kind, place.folder / "cold", place.model.base_url) as server:
        await place.model.plays([Turn(text="Hello.")])
        server.initialized()
        await server.task()
        figures["start.cold"] = _ms((await _served(place, 1))[0].request_in - server.spawned)
    return figures


async def ruled(place: Place) -> Figures:
    """From the command to the first request with 50 rules, 30 skills and 30 commands, against as many files
    that are none.
    """
    if place.kind is not ROO:
        return {}
    folders = {name: place.folder / name for name in ("with", "without")}
    _make_instructions(folders["with"] / "project", ".roo")
    _make_instructions(folders["without"] / "project", "src")
    TrustStore(folders["with"] / "state/trust.json").trust(
        folders["with"] / "project", instruction_files([folders["with"] / "project"])
    )
    took: dict[str, list[float]] = {name: [] for name in folders}
    url = place.model.base_url
    async with (
        ready(ROO, folders["with"], url) as first,
        ready(ROO, folders["without"], url) as other,
    ):
        for _ in range(RULED_ROUNDS):
            for name, server in (("with", first), ("without", other)):
                await place.model.plays([Turn(text="Hello.")])
                sent = await server.task()
                [request] = await _served(place, 1)
                took[name].append(_ms(request.request_in - sent))
    return {
        # The least of each: it is the ratio that is asked for, and a busy machine only ever adds.
        "start.ruled": min(took["with"]) / min(took["without"]),
        "start.ruled.more": min(took["with"]) - min(took["without"]),
    }


def _make_instructions(project: Path, top: str) -> None:
    files = {f"{top}/rules/{n:02}.md": f"Rule {n}. {'Mind it. ' * 8}\n" for n in range(50)}
    for n in range(30):
        head = f"---\nname: skill-{n}\ndescription: Use it for the kind {n} of work\n---\n"
        files[f"{top}/skills/skill-{n}/SKILL.md"] = f"{head}{'Do it well. ' * 200}\n"
        files[f"{top}/commands/command-{n}.md"] = f"---\ndescription: Does {n}\n---\nDo $1.\n"
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, "utf-8")


# --- turns --------------------------------------------------------------------------------------


async def read20(place: Place) -> Figures:
    """Twenty turns that each read another file; the end of the server."""
    async with ready(place.kind, place.folder, place.model.base_url) as server:
        cpu = await _warmed(place, server)
        served, content = await reads(place, server, 20)
        gaps = _gaps(served)
        figures = {
            "read20.turn": median(gaps),
            "read20.worst": max(gaps),
            "read20.cpu": _ms(server.cpu_ns() - cpu) / len(gaps),
            "read20.memory": server.peak_mb(),
            "body.first": served[0].size / 1000,
            "body.growth": (served[-1].size - served[0].size - content) / len(gaps),
        }
        figures["shutdown"] = await server.shut_down()
    return figures


async def read100(place: Place) -> Figures:
    """A hundred of them: does a turn cost more as the history grows?"""
    async with ready(place.kind, place.folder, place.model.base_url) as server:
        cpu = await _warmed(place, server)
        served, _ = await reads(place, server, 100)
        gaps = _gaps(served)
        return {
            "read100.early": median(gaps[:5]),
            "read100.late": median(gaps[-5:]),
            "read100.growth": median(gaps[-5:]) / median(gaps[:5]),
            "read100.cpu": _ms(server.cpu_ns() - cpu) / len(gaps),
            "read100.memory": server.peak_mb(),
        }


async def _warmed(place: Place, server: Server) -> int:
    """What the server's processor time is once it has run a task."""
    await place.model.plays([Turn(text="Hello.")])
    await server.task()
    return server.cpu_ns()


async def reads(place: Place, server: Server, count: int) -> tuple[list[Served], int]:
    """A task of so many reads; what was asked, and the files' size as JSON."""
    content = 0
    for number in range(count):
        lines = (f"    value_{number}_{line} = compute({line:>12})" for line in range(1000))
        text = "\n".join(lines)[: READ_BYTES - 1] + "\n"
        (server.folder / f"file_{number}.py").write_text(text, "ascii")
        content += len(json.dumps(text)) - 2
    turns = [call("read_file", path=f"file_{number}.py") for number in range(count)]
    await place.model.plays([*turns, DONE])
    await server.task()
    return await _served(place, count + 1), content


async def edit(place: Place) -> Figures:
    """Read, edit, finish: a file that is closed, then the same one open in the client."""
    figures: Figures = {}
    async with ready(place.kind, place.folder, place.model.base_url) as server:
        file = server.folder / "edited.py"
        for where in ("closed", "open"):
            file.write_text("".join(f"value_{line} = 0\n" for line in range(400)), "ascii")
            if where == "open":
                server.open(file)
            turns: list[float] = []
            edits: list[float] = []
            for number in range(8):
                gaps = await _one_edit(place, server, number)
                turns += gaps
                edits.append(gaps[1])
            made = server.documents[file.as_uri()].text if server.documents else file.read_text()
            if place.kind.name != "bare" and "value_200 = 8\n" not in made:
                raise RunFailed(f"the edits of the {where} file were not made")
            figures[f"edit.{where}"] = median(turns)
            figures[f"edit.{where}.edit"] = median(edits)
    return figures


async def _one_edit(place: Place, server: Server, number: int) -> list[float]:
    before, after = (f"value_200 = {n}\n" for n in (number, number + 1))
    diff = f"<<<<<<< SEARCH\n{before}=======\n{after}>>>>>>> REPLACE\n"
    await place.model.plays(
        [
            call("read_file", path="edited.py"),
            call("apply_diff", path="edited.py", diff=diff),
            DONE,
        ]
    )
    await server.task()
    return _gaps(await _served(place, 3))


async def write(place: Place) -> Figures:
    """One call with 200 KB of arguments, and one with twice as much."""
    figures: Figures = {}
    async with ready(place.kind, place.folder, place.model.base_url) as server:
        sizes = {"warm": 2, "control": 40, "200": WRITE_DELTAS, "400": 2 * WRITE_DELTAS}
        cpu: dict[str, float] = {}
        for name, deltas in sizes.items():
            size = 2 * WRITE_BYTES if name == "400" else WRITE_BYTES
            line = "0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJK\n"
            turn = call("write_to_file", deltas, path=f"{name}.txt", content=line * (size // 50))
            await place.model.plays([turn, DONE])
            before = server.cpu_ns()
            await server.task()
            cpu[name] = (server.cpu_ns() - before) / 1000
            served = await _served(place, 2)
            figures[f"write.{name}"] = _ms(served[1].request_in - served[0].first_out)
            if (server.folder / f"{name}.txt").stat().st_size != size:
                raise RunFailed(f"{name}.txt was not written whole")
        figures["write.growth"] = figures["write.400"] / figures["write.200"]
        figures["write.cpu"] = (cpu["200"] - cpu["control"]) / (WRITE_DELTAS - 40)
    return figures


# --- the stream ---------------------------------------------------------------------------------


async def latency(place: Place) -> Figures:
    """From a chunk of text to its notification: one at a time, and 200 a second."""
    figures: Figures = {}
    async with ready(place.kind, place.folder, place.model.base_url) as server:
        for name, count, pace in (("warm", 10, 0.005), ("single", 60, 0.05), ("200", 400, 0.005)):
            text = "".join(f"#{number:05d} " for number in range(count))
            await place.model.plays([Turn(text=text, pieces=count, pace=pace)])
            cpu = server.cpu_ns()
            await server.task()
            cost = (server.cpu_ns() - cpu) / 1000 / count
            sent = (await _served(place, 1))[0].events_out[1 : count + 1]
            arrived = _arrivals(server.notes)
            alone = name == "single"
            times = sorted(
                _ms(arrived[number] - sent[number])
                for number in range(1, count)
                if not alone or sent[number] - arrived[number - 1] >= SINGLE_PAUSE
            )
            if not times:
                raise RunFailed("the machine is too busy: no chunk came alone")
            figures[f"latency.{name}"] = median(times)
            figures[f"latency.{name}.p99"] = times[int(len(times) * 0.99)]
            figures[f"latency.{name}.cpu"] = cost
    return figures


_MARK = re.compile(rb"#(\d{5}) ")


def _arrivals(notes: Sequence[tuple[int, bytes]]) -> dict[int, int]:
    """When each marked piece was first seen."""
    arrived: dict[int, int] = {}
    for when, body in notes:
        for mark in _MARK.findall(body):
            arrived.setdefault(int(mark), when)
    return arrived


# --- the two APIs -------------------------------------------------------------------------------


async def apis(place: Place) -> Figures:
    """What a chunk and a request cost over the Responses API, against chat completions, in processor
    time of the client alone: both in turns, the best of each."""
    if place.kind.name != "roo-lsp":
        return {}
    spec = ToolSpec("write", "Write.", {"type": "object", "properties": {}})
    history: list[Message] = []
    for number in range(200):
        call_ = ToolCall(f"call_{number}", "write", '{"content": "word word word"}')
        history += [AssistantMessage("", (call_,)), ToolMessage(call_.id, "line\n" * 40)]
    long = ChatRequest("Be brief.", [UserMessage("Hi"), *history], [spec])
    short = ChatRequest("Be brief.", [UserMessage("Hi")], [spec])
    chunk: dict[str, list[float]] = {"chat": [], "responses": []}
    request: dict[str, list[float]] = {"chat": [], "responses": []}
    models = {
        api: OpenAICompatible(Provider(place.model.base_url, "x", api=api))
        for api in ("chat", "responses")
    }
    words = "0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJK\n" * (WRITE_BYTES // 50)
    large = call("write", WRITE_DELTAS, content=words)
    for _ in range(8):
        for api, model in models.items():
            await place.model.plays([large])
            chunk[api].append(await _cost(model, [short]) / WRITE_DELTAS)
            await place.model.plays([Turn(text="ok")] * 30)
            request[api].append(await _cost(model, [long] * 30) / 30)
    for model in models.values():
        await model.close()
    return {
        "apis.chunk": min(chunk["responses"]) / min(chunk["chat"]),
        "apis.chunk.chat": min(chunk["chat"]) / 1000,
        "apis.request": min(request["responses"]) / min(request["chat"]),
        "apis.request.chat": min(request["chat"]) / 1e6,
    }


async def _cost(model: OpenAICompatible, requests: Sequence[ChatRequest]) -> float:
    """Nanoseconds of this process for these requests."""
    before = process_time_ns()
    for request in requests:
        async for _ in model.stream(request):
            pass
    return process_time_ns() - before


# --- common -------------------------------------------------------------------------------------

DONE = call("attempt_completion", result="Done.")


async def _served(place: Place, count: int) -> list[Served]:
    served = await place.model.served()
    if len(served) != count:
        raise RunFailed(f"{place.kind.name}: {len(served)} requests came, not {count}")
    return served


def _gaps(served: Sequence[Served]) -> list[float]:
    """Milliseconds from the last byte of each answer to the next request."""
    return [_ms(after.request_in - before.last_out) for before, after in pairwise(served)]


def _ms(nanoseconds: int) -> float:
    return nanoseconds / 1e6


MEASURES: Mapping[str, Callable[[Place], Awaitable[Figures]]] = {
    "initialize": initialize,
    "start": start,
    "ruled": ruled,
    "read20": read20,
    "read100": read100,
    "edit": edit,
    "latency": latency,
    "write": write,
    "apis": apis,
}

ROWS: Mapping[str, tuple[str, str, Goal]] = {
    "initialize": ("spawn → initialize answered", "ms", Goal(times_bare=0.25)),
    "initialize.cpu": ("processor until then", "ms", Goal(times_bare=0.25)),
    "start.first": ("command → first request, after 2 s idle", "ms", Goal(80)),
    "start.later": ("command → first request, later", "ms", Goal(10)),
    "start.cold": ("spawn → first request, sent at once", "ms", Goal(1200)),
    "start.ruled": ("command → first request, with 110 instruction files", "x", Goal(1.05)),
    "start.ruled.more": ("what those cost", "ms", Goal()),
    "read20.turn": ("turn, read20", "ms", Goal(8, times_bare=2)),
    "read20.worst": ("slowest turn, read20", "ms", Goal()),
    "read20.cpu": ("processor a turn, read20", "ms", Goal()),
    "read100.early": ("turns 1-5 of 100", "ms", Goal()),
    "read100.late": ("turns 96-100 of 100", "ms", Goal(12)),
    "read100.growth": ("turns 96-100 against 1-5", "x", Goal(1.5)),
    "read100.cpu": ("processor a turn, read100", "ms", Goal(8)),
    "edit.closed": ("turns of an edit, closed file", "ms", Goal(15)),
    "edit.closed.edit": ("the edit's own turn, closed file", "ms", Goal()),
    "edit.open": ("turns of an edit, open file", "ms", Goal(15)),
    "edit.open.edit": ("the edit's own turn, open file", "ms", Goal()),
    "latency.single": ("chunk → notification, one each 50 ms", "ms", Goal(1.2)),
    "latency.single.p99": ("the same, p99", "ms", Goal(8)),
    "latency.200": ("chunk → notification, 200/s (merged in 30 ms)", "ms", Goal()),
    "latency.200.p99": ("the same, p99", "ms", Goal(40)),
    "latency.200.cpu": ("processor a chunk, 200/s", "µs", Goal()),
    "write.200": ("200 KB write in 4000 deltas", "ms", Goal(300, times_bare=2.2)),
    "write.400": ("400 KB write in 8000 deltas", "ms", Goal()),
    "write.growth": ("400 KB against 200 KB", "x", Goal(2.2)),
    "write.control": ("200 KB write in 40 deltas", "ms", Goal()),
    "write.cpu": ("processor a further delta", "µs", Goal(50)),
    "apis.chunk": ("a chunk over responses, against chat", "x", Goal(1.1)),
    "apis.chunk.chat": ("processor a chunk, chat, the client alone", "µs", Goal()),
    "apis.request": ("a request over responses, against chat", "x", Goal(1.1)),
    "apis.request.chat": ("processor a request of 400 messages, chat", "ms", Goal()),
    "read20.memory": ("peak memory, read20", "MB", Goal(110)),
    "read100.memory": ("peak memory, read100", "MB", Goal(130)),
    "body.first": ("first request's body", "kB", Goal(16)),
    "body.growth": ("growth a turn beyond the file", "B", Goal(above_bare=250)),
    "shutdown": ("shutdown → process gone", "ms", Goal(100)),
}
"""The rows of the table: what each says, its unit, and what it should be."""

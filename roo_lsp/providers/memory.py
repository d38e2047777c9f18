"""What was learnt about endpoints: what each of them refused, so that it is not sent there again.

Kept in one small file of the user's state folder, so that the next process need not find out anew.
An address is kept without user, password and query, and with nothing in it that looks like a key.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from roo_lsp.providers.pictures import EVERY_IMAGE, is_about_images
from roo_lsp.providers.requests import (
    CALL_IDS,
    FULL_SCHEMA,
    MARK,
    NULL_CONTENT,
    REPLAY,
    RESULT_MARKS,
    SAME_ROLES,
    SYSTEM_ROLE,
)
from roo_lsp.workspace.private import write_private

log = logging.getLogger(__name__)

LASTS = 30 * 24 * 3600
"""Seconds after which it is tried again: servers are updated."""
MAX_PLACES = 200
MAX_FILE = 256 * 1024
"""Bytes: more than that was not written by us."""

PREFILLED = "prefilled <think>"
"""The endpoint's template begins each answer inside `<think>`: only the closing tag comes."""

WORDS: Mapping[str, str] = {
    "max_completion_tokens": "max_completion_tokens (max_tokens is sent)",
    "stream_options": "stream_options",
    "parallel_tool_calls": "parallel_tool_calls",
    "reasoning_effort": "reasoning_effort",
    "temperature": "temperature",
    "top_p": "top_p",
    "seed": "seed",
    "strict": "strict tools",
    "include": "include (encrypted reasoning)",
    "store": "store",
    "max_output_tokens": "max_output_tokens",
    "reasoning": "reasoning",
    MARK: "cache_control",
    RESULT_MARKS: "cache_control in the results of tools",
    REPLAY: "the reasoning of earlier answers",
    SAME_ROLES: "messages of one role in a row (a word of the model is put between)",
    SYSTEM_ROLE: "a system message (the user says it)",
    CALL_IDS: "the ids of other endpoints' calls (they are made short)",
    NULL_CONTENT: "content that is null",
    FULL_SCHEMA: "all of JSON Schema (tools are described in the simplest form)",
    EVERY_IMAGE: "images",
}
"""Everything that an endpoint may be known to refuse, as people are told it."""
RESPONSES = "responses"
"""The model answers through the Responses API; its chat completions said so."""
_KNOWN = {*WORDS, PREFILLED, RESPONSES}

EndpointModel = tuple[str, str]
"""An endpoint's address, without user, password and query, and a model."""


class Memory:
    """What is known of each endpoint and model; with a file, what other processes learnt as well."""

    def __init__(self, file: Path | None = None, now: Callable[[], float] = time.time) -> None:
        """`now` is seconds since the epoch."""
        self._file = file
        self._now = now
        self._places: dict[EndpointModel, dict[str, float]] = {}
        """When each thing was learnt, the place learnt about last at the end."""
        self._seen: tuple[int, int, int] | None = None
        """The file's state when it was read last."""

    def of(self, place: EndpointModel) -> frozenset[str]:
        """What is known of a place: names of `WORDS` and of images, and `PREFILLED`."""
        self._read()
        return frozenset(self._current(self._places.get(place, {})))

    def learn(self, place: EndpointModel, what: Iterable[str]) -> None:
        """Know these of a place as well, from now on."""
        self._read()
        now = self._now()
        known = self._places.pop(place, {})
        self._places[place] = known | dict.fromkeys(what, now)
        while len(self._places) > MAX_PLACES:
            del self._places[next(iter(self._places))]
        self._write()

    def unlearn(self, place: EndpointModel, what: Iterable[str]) -> None:
        """Know these of a place no more."""
        rest = self.of(place) - frozenset(what)
        self.forget(place)
        if rest:
            self.learn(place, rest)

    def forget(self, place: EndpointModel) -> None:
        """Find out anew about a place."""
        self._read()
        if self._places.pop(place, None) is not None:
            self._write()

    def about(self, url: str, model: str = "") -> list[str]:
        """What is known of the endpoint at a base address, in sentences; of one model, or of all."""
        self._read()
        base = url.rstrip("/")
        sentences = [
            _sentence(known, "" if model else name)
            for (at, name) in self._places
            if (at == base or at.startswith(f"{base}/")) and (not model or name == model)
            if (known := self.of((at, name)))
        ]
        return list(dict.fromkeys(sentences))

    def _current(self, learnt: Mapping[str, float]) -> dict[str, float]:
        """Without what is too old, or from a clock that ran ahead."""
        now = self._now()
        return {what: at for what, at in learnt.items() if abs(now - at) < LASTS}

    # --- the file -----------------------------------------------------------------------------

    def _read(self) -> None:
        """Take in the file, if it has changed; one that is broken stands for nothing known."""
        if self._file is None:
            return
        try:
            found = self._file.stat()
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
            if seen == self._seen:
                return
            text = self._file.read_text("utf-8") if found.st_size <= MAX_FILE else ""
        except FileNotFoundError:
            seen, text = None, ""
            if self._seen is None:
                return  # never written, as on a disk that is full: what this process knows stays
        except (OSError, UnicodeDecodeError):
            return
        self._seen, self._places = seen, _places(text)

    def _write(self) -> None:
        if self._file is None:
            return
        entries = [
            {"url": url, "model": model, "learnt": kept}
            for (url, model), learnt in self._places.items()
            if (kept := self._current(learnt))
        ]
        try:
            write_private(self._file, json.dumps({"endpoints": entries}, indent=1))
            found = self._file.stat()
            self._seen = (found.st_mtime_ns, found.st_size, found.st_ino)
        except OSError as error:
            log.warning("what was learnt about an endpoint cannot be kept: %s", error)


def _places(text: str) -> dict[EndpointModel, dict[str, float]]:
    """The places in a file's text, as far as it is one of ours."""
    try:
        entries: Any = json.loads(text)["endpoints"]
        return {
            (str(entry["url"]), str(entry["model"])): {
                what: float(at)
                for what, at in cast("dict[str, Any]", entry["learnt"]).items()
                if what in _KNOWN or is_about_images(what)
            }
            for entry in entries[-MAX_PLACES:]
        }
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return {}


def _sentence(known: Iterable[str], model: str) -> str:
    """What is known of one model, as one sentence."""
    known = frozenset(known)
    refused = [words for what, words in WORDS.items() if what in known]
    if images := sum(map(is_about_images, known - {EVERY_IMAGE})):
        refused.append(f"{images} image(s) that it was sent")
    parts = [f"it does not take {', '.join(refused)}"] if refused else []
    if RESPONSES in known:
        parts.append("it answers through the Responses API")
    if PREFILLED in known:
        parts.append("its answers begin inside <think>")
    said = "; ".join(parts)
    return f"{model}: {said}" if model else said

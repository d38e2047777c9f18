"""A tiny language server of a fake editor: it knows words, in the open documents and on the disk."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

from lsprotocol import types

from tests.support.editor import FakeEditor, Persona, _plain

METHODS = (
    "roo/diagnostics",
    "roo/definition",
    "roo/references",
    "roo/hover",
    "roo/documentSymbol",
    "roo/workspaceSymbol",
    "roo/rename",
)
CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


def knowing(encoding: str = "utf-16", methods: tuple[str, ...] = METHODS) -> Persona:
    """An editor whose client passes these requests on."""
    return Persona("mine", "neovim_0_12", (encoding,), extensions=methods)


@dataclass
class Words:
    """Every whole word is a symbol; `def word` is its definition, `TODO` a problem.

    It counts columns by bytes of the encoding, so as to share no code with ours.
    """

    editor: FakeEditor
    folder: Path
    encoding: str = "utf-16"
    instead: dict[str, Any] = field(default_factory=dict)
    """What is answered to a method in place of the truth; an exception is raised, a callable called."""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for method in METHODS:
            self._answers(method)

    def _answers(self, method: str) -> None:
        @self.editor.client.feature(method)
        async def answer(params: Any) -> Any:
            given = _plain(params)
            self.asked.append((method, given))
            if method not in self.instead:
                return self._truth(method, given)
            answer = self.instead[method]
            if isinstance(answer, Exception):
                raise answer
            return await answer(given) if iscoroutinefunction(answer) else answer

    def _truth(self, method: str, params: dict[str, Any]) -> Any:
        made: dict[str, Callable[[dict[str, Any]], Any]] = {
            "roo/definition": lambda p: list(self.places(self.word(p), "def "))[:1],
            "roo/references": lambda p: list(self.places(self.word(p))),
            "roo/hover": lambda p: {"contents": {"kind": "markdown", "value": f"`{self.word(p)}`"}},
            "roo/rename": self._rename,
            "roo/documentSymbol": self._symbols,
            "roo/workspaceSymbol": self._workspace_symbols,
            "roo/diagnostics": self._diagnostics,
        }
        return made[method](params)

    # --- what it knows ---------------------------------------------------------------------------

    def texts(self) -> Iterator[tuple[str, str]]:
        """Each file's URI and text: the buffer's, where it is open."""
        for path in sorted(self.folder.rglob("*.py")):
            buffer = self.editor.buffers.get(path.as_uri())
            yield path.as_uri(), buffer.text if buffer else path.read_bytes().decode()

    def _text(self, params: dict[str, Any]) -> str:
        """The text of a document, by whatever name it is asked for."""
        texts = {os.path.realpath(uri[7:]): text for uri, text in self.texts()}
        return texts[os.path.realpath(params["textDocument"]["uri"][7:])]

    def word(self, params: dict[str, Any]) -> str:
        """The word at a position."""
        text = self._text(params)
        line = text.split("\n")[params["position"]["line"]]
        codec, unit = CODECS[self.encoding]
        before = line.encode(codec)[: params["position"]["character"] * unit].decode(codec)
        for found in re.finditer(r"\w+", line):
            if found.start() <= len(before) < found.end():
                return found[0]
        raise AssertionError(f"no word at {params['position']} of {line!r}")

    def places(self, word: str, before: str = "") -> Iterator[dict[str, Any]]:
        """Where the word stands."""
        for uri, text in self.texts():
            for number, line in enumerate(text.split("\n")):
                for found in re.finditer(rf"\b{before}({word})\b", line):
                    yield {"uri": uri, "range": self._range(line, number, found.span(1))}

    def _range(self, line: str, number: int, span: tuple[int, int]) -> dict[str, Any]:
        codec, unit = CODECS[self.encoding]
        start, end = (len(line[:at].encode(codec)) // unit for at in span)
        return {
            "start": {"line": number, "character": start},
            "end": {"line": number, "character": end},
        }

    def _rename(self, params: dict[str, Any]) -> dict[str, Any]:
        changes: dict[str, list[Any]] = {}
        for place in self.places(self.word(params)):
            edit = {"range": place["range"], "newText": params["newName"]}
            changes.setdefault(place["uri"], []).append(edit)
        return {
            "documentChanges": [
                {"textDocument": {"uri": uri, "version": self._version(uri)}, "edits": edits}
                for uri, edits in changes.items()
            ]
        }

    def _version(self, uri: str) -> int | None:
        buffer = self.editor.buffers.get(uri)
        return buffer.version if buffer else None

    def _symbols(self, params: dict[str, Any]) -> list[Any]:
        text = self._text(params)
        return [
            {
                "name": found[1],
                "kind": types.SymbolKind.Function.value,
                "range": self._range(line, number, (0, len(line))),
                "selectionRange": self._range(line, number, found.span(1)),
            }
            for number, line in enumerate(text.split("\n"))
            if (found := re.search(r"def (\w+)", line))
        ]

    def _workspace_symbols(self, params: dict[str, Any]) -> list[Any]:
        return [
            {"name": found[1], "kind": 12, "location": {"uri": uri, "range": place}}
            for uri, text in self.texts()
            for number, line in enumerate(text.split("\n"))
            if (found := re.search(r"def (\w+)", line)) and params["query"] in found[1]
            for place in (self._range(line, number, (0, len(line))),)
        ]

    def _diagnostics(self, params: dict[str, Any]) -> dict[str, Any]:
        wanted = params.get("uris")
        return {
            "items": [
                {
                    "uri": uri,
                    "diagnostics": [
                        {
                            "range": self._range(line, number, (0, 0)),
                            "severity": 2,
                            "message": line.strip(),
                            "source": "words",
                            "code": 7,
                        }
                        for number, line in enumerate(text.split("\n"))
                        if "TODO" in line
                    ],
                }
                for uri, text in self.texts()
                if wanted is None or uri in wanted
            ]
        }

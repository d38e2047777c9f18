"""JavaScript's regular expressions, tested against a path in time that no expression can blow up.

The `fileRegex` of a mode comes from a repository and is written for `new RegExp(text)` without flags:
ECMA-262 section 22.2 with annex B.1.2. All places that an expression can reach are followed at once,
as the bits of a number, so nothing is tried twice; what a group caught is not kept, so an
expression that refers back to it (`\\1`, `\\k<name>`) is refused. Texts are UTF-16, as there.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

LONGEST = 1000
"""UTF-16 units of an expression."""
DEEPEST = 40
"""Groups within each other."""
STEPS = 50_000
"""Of one test; what needs more is not matched."""

Units = tuple[int, int]
_LAST = 0xFFFF
_DIGITS: tuple[Units, ...] = ((0x30, 0x39),)
_WORD: tuple[Units, ...] = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_ENDS: tuple[Units, ...] = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
"""LineTerminator."""
_SPACE: tuple[Units, ...] = (
    (0x09, 0x0D),
    (0x20, 0x20),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
    (0xFEFF, 0xFEFF),
)
"""WhiteSpace and LineTerminator."""
_SETS = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_CONTROLS = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
_COUNT = re.compile(r"\{(\d+)(,(\d*))?\}", re.ASCII)
_OCTAL = re.compile(r"[0-3][0-7]{0,2}|[4-7][0-7]?")
_NAME = re.compile(r"\?<([^\W\d][\w$]*|\$[\w$]*)>")


class BadPattern(ValueError):
    """The text is none of JavaScript's expressions, or one that is not followed here; says why."""


# --- what an expression is made of ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Set:
    """One unit out of these."""

    ranges: tuple[Units, ...]

    def has(self, unit: str) -> bool:
        return any(first <= ord(unit) <= last for first, last in self.ranges)


@dataclass(frozen=True, slots=True)
class _Sequence:
    parts: tuple["_Node", ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    parts: tuple["_Node", ...]


@dataclass(frozen=True, slots=True)
class _Repeat:
    part: "_Node"
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class _Look:
    part: "_Node"
    ahead: bool
    holds: bool


@dataclass(frozen=True, slots=True)
class _Edge:
    """`^`, `$`, `b` or `B`: a place between units."""

    kind: str


_Node = _Set | _Sequence | _Choice | _Repeat | _Look | _Edge


@dataclass(frozen=True, slots=True)
class JavaScriptPattern:
    """An expression, ready to be tested."""

    root: _Node

    def found_in(self, text: str) -> bool:
        """Whether it matches somewhere in the text; False also where that takes too long to tell."""
        run = _Run(_units(text))
        try:
            return run.follow(self.root, run.everywhere, back=False) != 0
        except _TooLong:
            return False


@lru_cache(maxsize=256)
def compiled(pattern: str) -> JavaScriptPattern:
    """The expression of a text.

    Raises:
        BadPattern: as it says.
    """
    units = _units(pattern)
    if len(units) > LONGEST:
        raise BadPattern(f"it is longer than {LONGEST} characters")
    return JavaScriptPattern(_Parser(units).whole())


def _units(text: str) -> str:
    """The text with each character beyond U+FFFF as the two surrogates that JavaScript sees."""
    if all(ord(each) <= _LAST for each in text):
        return text
    data = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(data[at] | data[at + 1] << 8) for at in range(0, len(data), 2))


# --- testing ----------------------------------------------------------------------------------


class _TooLong(Exception):
    """It needs more steps than one test may take."""


@dataclass(slots=True)
class _Run:
    """One test. Places in the text, from 0 to its length, are the bits of a number."""

    text: str
    everywhere: int = field(init=False)
    _units: dict[str, int] = field(default_factory=dict[str, int])
    """Where each unit stands."""
    _masks: dict[int, int] = field(default_factory=dict[int, int])
    """What was found out about a part that is the same wherever one comes from, by its identity."""
    _left: int = STEPS

    def __post_init__(self) -> None:
        self.everywhere = (1 << len(self.text) + 1) - 1
        for at, unit in enumerate(self.text):
            self._units[unit] = self._units.get(unit, 0) | 1 << at

    def follow(self, node: _Node, places: int, *, back: bool) -> int:
        """Where the part can end that begins in one of the places; `back`: where it can begin that ends there."""
        self._left -= 1
        if self._left < 0:
            raise _TooLong
        match node:
            case _Set():
                mask = self._mask(node)
                return places >> 1 & mask if back else (places & mask) << 1
            case _Sequence(parts):
                for part in reversed(parts) if back else parts:
                    places = self.follow(part, places, back=back)
                    if not places:
                        break
                return places
            case _Choice(parts):
                return _all(self.follow(part, places, back=back) for part in parts)
            case _Repeat():
                return self._repeat(node, places, back=back)
            case _Look() | _Edge():
                return places & self._mask(node)

    def _repeat(self, node: _Repeat, places: int, *, back: bool) -> int:
        for _ in range(node.least):
            if not places:
                return 0
            places = self.follow(node.part, places, back=back)
        reached = new = places
        more = None if node.most is None else node.most - node.least
        while new and (more is None or more > 0):
            new = self.follow(node.part, new, back=back) & ~reached
            reached |= new
            more = None if more is None else more - 1
        return reached

    def _mask(self, node: _Set | _Look | _Edge) -> int:
        """Where the unit stands, or where the condition holds."""
        mask = self._masks.get(id(node))
        if mask is None:
            self._masks[id(node)] = mask = self._find(node)
        return mask

    def _find(self, node: _Set | _Look | _Edge) -> int:
        match node:
            case _Set():
                return _all(mask for unit, mask in self._units.items() if node.has(unit))
            case _Look(part, ahead, holds):
                there = self.follow(part, self.everywhere, back=ahead)
                return there if holds else self.everywhere & ~there
            case _Edge("^"):
                return 1
            case _Edge("$"):
                return 1 << len(self.text)
            case _Edge(kind):
                words = self._find(_Set(_WORD))
                between = (words ^ words << 1) & self.everywhere
                return between if kind == "b" else self.everywhere & ~between


def _all(masks: Iterable[int]) -> int:
    """What is in any of them."""
    found = 0
    for mask in masks:
        found |= mask
    return found


# --- reading ----------------------------------------------------------------------------------


class _Parser:
    """Reads an expression from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.groups, self.named = _groups_in(text)

    def whole(self) -> _Node:
        found = self._choice()
        if self.at < len(self.text):
            raise BadPattern("a ) closes nothing")
        return found

    def _choice(self) -> _Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise BadPattern(f"more than {DEEPEST} groups are within each other")
        parts = [self._sequence()]
        while self._take("|"):
            parts.append(self._sequence())
        self.depth -= 1
        return parts[0] if len(parts) == 1 else _Choice(tuple(parts))

    def _sequence(self) -> _Node:
        parts: list[_Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            part, repeatable = self._term()
            parts.append(self._repeated(part) if repeatable else part)
        return parts[0] if len(parts) == 1 else _Sequence(tuple(parts))

    def _term(self) -> tuple[_Node, bool]:
        """A part, and whether it may be repeated."""
        char = self.text[self.at]
        if char in "*+?" or (char == "{" and _COUNT.match(self.text, self.at)):
            raise BadPattern(f"there is nothing that {char} could repeat")
        self.at += 1
        match char:
            case "^" | "$":
                return _Edge(char), False
            case "(":
                return self._group()
            case ".":
                return _Set(_others(_ENDS)), True
            case "[":
                return self._class(), True
            case "\\":
                if self.text[self.at : self.at + 1] in {"b", "B"}:
                    self.at += 1
                    return _Edge(self.text[self.at - 1]), False
                return self._escaped(), True
            case _:
                return _one(char), True

    def _repeated(self, part: _Node) -> _Node:
        found = _COUNT.match(self.text, self.at)
        if found:
            self.at = found.end()
            least = int(found[1])
            most = least if found[2] is None else int(found[3]) if found[3] else None
            if most is not None and least > most:
                raise BadPattern(f"the numbers in {found[0]} are out of order")
        elif (char := self.text[self.at : self.at + 1]) and char in "*+?":
            self.at += 1
            least, most = int(char == "+"), 1 if char == "?" else None
        else:
            return part
        self._take("?")  # how much it takes does not change whether there is a match
        return _Repeat(part, least, most)

    def _group(self) -> tuple[_Node, bool]:
        looks = {
            "?=": (True, True),
            "?!": (True, False),
            "?<=": (False, True),
            "?<!": (False, False),
        }
        begin = next((each for each in ("?<=", "?<!", "?=", "?!", "?:") if self._take(each)), "")
        if not begin and self.text[self.at : self.at + 1] == "?":
            name = _NAME.match(self.text, self.at)
            if name is None:
                raise BadPattern("a group begins with (? and goes on with what is not known here")
            self.at = name.end()
        inner = self._choice()
        if not self._take(")"):
            raise BadPattern("a ( is not closed")
        if begin not in looks:
            return inner, True
        ahead, holds = looks[begin]
        return _Look(inner, ahead, holds), ahead

    # --- units ------------------------------------------------------------------------------

    def _escaped(self) -> _Node:
        """Behind a backslash outside of brackets."""
        number = re.compile(r"[1-9]\d*", re.ASCII).match(self.text, self.at)
        if (number and int(number[0]) <= self.groups) or (self.named and self._sees("k")):
            raise BadPattern("it refers back to a group, which is not followed here")
        return _Set(self._escape())

    def _escape(self, *, within: bool = False) -> tuple[Units, ...]:
        """The units that an escape stands for; `within` brackets."""
        char = self.text[self.at : self.at + 1]
        if not char:
            raise BadPattern("it ends with a backslash")
        self.at += 1
        if char.lower() in _SETS:
            ranges = _SETS[char.lower()]
            return ranges if char.islower() else _others(ranges)
        if char == "c":
            return self._control(within=within)
        if char in "xu":
            digits = self.text[self.at : self.at + (2 if char == "x" else 4)]
            if re.fullmatch(r"[0-9a-fA-F]{2}" if char == "x" else r"[0-9a-fA-F]{4}", digits):
                self.at += len(digits)
                return _same(chr(int(digits, 16)))
        if octal := _OCTAL.match(self.text, self.at - 1):
            self.at = octal.end()
            return _same(chr(int(octal[0], 8)))
        if within and char == "b":
            return _same("\b")
        return _same(_CONTROLS.get(char, char))

    def _control(self, *, within: bool) -> tuple[Units, ...]:
        letter = self.text[self.at : self.at + 1]
        if re.fullmatch(r"[0-9A-Za-z_]" if within else "[A-Za-z]", letter):
            self.at += 1
            return _same(chr(ord(letter) % 32))
        self.at -= 1
        return _same("\\")

    def _class(self) -> _Set:
        negated = self._take("^")
        ranges: list[Units] = []
        while not self._take("]"):
            first = self._member()
            if not (self._sees("-") and self.text[self.at + 1 : self.at + 2] not in {"", "]"}):
                ranges += first
                continue
            self.at += 1
            last = self._member()
            if not (_is_one(first) and _is_one(last)):
                ranges += [*first, *_same("-"), *last]
            elif first[0][0] > last[0][0]:
                raise BadPattern("a range in [ ] is out of order")
            else:
                ranges.append((first[0][0], last[0][0]))
        return _Set(_others(ranges) if negated else tuple(ranges))

    def _member(self) -> tuple[Units, ...]:
        char = self.text[self.at : self.at + 1]
        if not char:
            raise BadPattern("a [ is not closed")
        self.at += 1
        return self._escape(within=True) if char == "\\" else _same(char)

    def _sees(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def _take(self, text: str) -> bool:
        if not self._sees(text):
            return False
        self.at += len(text)
        return True


def _groups_in(text: str) -> tuple[int, bool]:
    """How many groups catch something, and whether one of them has a name."""
    # Escapes and brackets are passed over whole: what stands in them opens no group.
    opened = [
        found[1]
        for found in re.finditer(
            r"\\.|\[(?:\\.|[^\]\\])*\]|(\((?:\?<?[=!]|\?:|\?<)?)", text, re.DOTALL
        )
        if found[1]
    ]
    return sum(each in {"(", "(?<"} for each in opened), "(?<" in opened


def _same(char: str) -> tuple[Units, ...]:
    return ((ord(char), ord(char)),)


def _one(char: str) -> _Set:
    return _Set(_same(char))


def _is_one(ranges: Sequence[Units]) -> bool:
    return len(ranges) == 1 and ranges[0][0] == ranges[0][1]


def _others(ranges: Sequence[Units]) -> tuple[Units, ...]:
    """All units but these."""

    def gaps() -> Iterator[Units]:
        begin = 0
        for first, last in sorted(ranges):
            if begin < first:
                yield begin, first - 1
            begin = max(begin, last + 1)
        if begin <= _LAST:
            yield begin, _LAST

    return tuple(gaps())

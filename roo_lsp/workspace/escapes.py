"""Text of others, made safe to look at: what could hide, move or pass for something else is escaped.

An escape is `\\xHH`, `\\uHHHH` or `\\UHHHHHHHH`, with the character's number in hexadecimal.
"""

import re
import unicodedata

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))")
_HARMLESS = re.compile(r"[\x20-\x7e\n]*")
_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"  # fillers that are called letters
    + "".join(map(chr, range(0x180B, 0x1810)))
    + "".join(map(chr, range(0xFE00, 0xFE10)))  # variation selectors
    + "".join(map(chr, range(0xE0100, 0xE01F0)))
)
"""Shown as nothing, although no category says so."""
_RUN = re.compile(r"[^\W\d_]+")
_LOOK_LATIN = frozenset(
    "асԁеһіјӏорԛѕѵԝхуүАВЕԌНІЈКМОРԚЅТѴԜХУҮαγινορτυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧϲϹօսհոցԼՕՍıɑɡɩʋ"
)
_LOOK_SIGNS = frozenset(
    "\u2044\u2215\u29f8\u2571\u29f5\u2216\ufe68"  # / and \
    "\u02d0\u2236\ua789\u05c3"  # :
    "\u037e\u204f"  # ;
    "\u01c0\u2223\u23d0\u05c0"  # |
    "\u02c6\u02c7\u02cb\u02dc\u223c\u02bc\u02b9\u2018\u2019\u201a\u201b\u2032\u2035"  # ^ ` ~ '
    "\u201c\u201d\u201e\u2033\u02ba"  # "
    "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u02d7\u06d4"  # -
    "\u2039\u203a\u2329\u232a\u3008\u3009\u276e\u276f"  # < and >
    "\u2217\u204e\u2055\ua60e"  # * and .
    "\uff00\u01c3\u2768\u2769\u2774\u2775"  # ! ( ) { }
)


def exact(text: str, *, prose: bool = False) -> str:
    """The text with its deceiving characters escaped; of what is shown, exactly the text can be made again.

    Line breaks stay. A backslash is escaped only where it would read as an escape of ours. In what
    is no `prose`, letters and signs that pass for ASCII are escaped too, and so are tabs: in
    commands and paths they lead elsewhere, in files they are everyday.
    """
    text = _ESCAPE.sub(lambda found: rf"\x5c{found[0][1:]}", text)
    if prose:
        return "\t".join(plain(each) for each in text.split("\t"))
    return plain(text, look_alikes=True)


def plain(text: str, *, look_alikes: bool = False) -> str:
    """As `exact`, but backslashes stay: for text that is not to be read back; twice is as once."""
    if _HARMLESS.fullmatch(text):
        return text
    suspects: set[int] = _look_alikes(text) if look_alikes and not text.isascii() else set()
    return "".join(
        each if at not in suspects and _shows(each) else _escape(each)
        for at, each in enumerate(text)
    )


def label(text: str) -> str:
    """One line of it, for titles and messages."""
    return plain(text).replace("\n", r"\x0a")


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return rf"\x{code:02x}"
    return rf"\u{code:04x}" if code < 0x10000 else rf"\U{code:08x}"


def _shows(character: str) -> bool:
    """True for what is seen where it stands."""
    if character in {" ", "\n"}:
        return True
    category = unicodedata.category(character)
    return category[0] != "C" and category[0] != "Z" and character not in _BLANK


def _look_alikes(text: str) -> set[int]:
    """Where characters stand that pass for ASCII ones or change how those look."""
    found: set[int] = set()
    for at, each in enumerate(text):
        if each.isascii():
            continue
        folded = unicodedata.normalize("NFKC", each)
        mark = unicodedata.category(each)[0] == "M"  # it changes how the letter before it looks
        if folded.isascii() or each in _LOOK_SIGNS or (mark and text[at - 1 : at].isascii()):
            found.add(at)
    for run in _RUN.finditer(text):
        foreign = [at for at in range(*run.span()) if not text[at].isascii()]
        letters = [text[at] for at in foreign]
        if all(each in _LOOK_LATIN for each in letters) or (
            any(each in _LOOK_LATIN for each in letters) and len(foreign) < len(run[0])
        ):
            found.update(at for at in foreign if text[at] in _LOOK_LATIN)
    return found

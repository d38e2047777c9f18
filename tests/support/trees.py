"""Texts and edits as hypothesis draws them: every line ending, with and without a last one."""

from hypothesis import strategies as st

ENDINGS = ("\n", "\r\n", "\r")
WORDS = ["", "a", " a", "a ", "\tb", "b", "{", "}", "=======", "+x", "-y", "*** End Patch", "@@ a"]

characters = st.characters(exclude_categories=("Cs",), exclude_characters="\r\n\0")
line = st.one_of(st.sampled_from(WORDS), st.text(characters, max_size=4))


@st.composite
def texts(draw: st.DrawFn, min_lines: int = 0) -> str:
    """A text; all its lines end alike, or each as it likes; the last one perhaps not at all."""
    lines = draw(st.lists(line, min_size=min_lines, max_size=15))
    if draw(st.booleans()):
        ends = [draw(st.sampled_from(ENDINGS))] * len(lines)
    else:
        ends = [draw(st.sampled_from(ENDINGS)) for _ in lines]
    text = "".join(body + end for body, end in zip(lines, ends, strict=True))
    return text + draw(st.sampled_from(["", "last", "é"]))

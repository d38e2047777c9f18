"""What is shown of a text, read back."""

import re

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))")


def unescaped(shown: str) -> str:
    """The text that `exact` was given."""
    return _ESCAPE.sub(lambda found: chr(int(found[1] or found[2] or found[3], 16)), shown)

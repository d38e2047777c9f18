"""Numbers in words, as people and models read them."""


def plural(count: int, noun: str) -> str:
    """`1 line`, `2 lines`, `2 matches`, `2 entries`, `2 keys`."""
    if count == 1:
        return f"1 {noun}"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{count} {noun[:-1]}ies"
    return f"{count} {noun}{'es' if noun.endswith('ch') else 's'}"


def size_text(size: int) -> str:
    """A number of bytes for people: `312 B`, `12.3 KB`."""
    return f"{size} B" if size < 1000 else f"{size / 1000:.1f} KB"


def count_text(count: int) -> str:
    """A number of tokens for people: `950`, `7.1k`, `1.2M`."""
    if count < 1000:
        return str(count)
    return f"{count / 1000:.1f}k" if count < 999_950 else f"{count / 1_000_000:.1f}M"

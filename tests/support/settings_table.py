"""The README's table of settings, made from their schema: `python -m tests.support.settings_table`."""

import json
from pathlib import Path
from typing import Any

from roo_lsp.settings import Settings

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- settings: from the schema -->\n", "<!-- end of settings -->"


def table() -> str:
    """Every key with its default and meaning."""
    schema = Settings.model_json_schema(by_alias=True)
    defaults = json.loads(Settings().model_dump_json(by_alias=True))
    rows = _rows(schema, schema["$defs"], defaults, "")
    return "\n".join(["| key | default | meaning |", "|---|---|---|", *rows]) + "\n"


def _rows(node: dict[str, Any], defs: dict[str, Any], defaults: Any, prefix: str) -> list[str]:
    rows: list[str] = []
    for name, field in node["properties"].items():
        path = f"{prefix}{name}"
        reference = field.get("$ref", "").rpartition("/")[2]
        if reference:
            rows += _rows(defs[reference], defs, defaults[name], f"{path}.")
        else:
            default = json.dumps(defaults[name], ensure_ascii=False)
            meaning = field["description"].replace("|", "\\|")
            rows.append(f"| `{path}` | `{default}` | {meaning} |")
    return rows


def in_readme() -> str:
    """The table as the README has it."""
    return README.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]


if __name__ == "__main__":
    before, begin, rest = README.read_text("utf-8").partition(BEGIN)
    README.write_text(before + begin + table() + END + rest.partition(END)[2], "utf-8")

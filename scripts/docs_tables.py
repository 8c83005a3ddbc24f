"""Write docs/tables.md from the declared columns and closed lists: python -m scripts.docs_tables.

In:     columns.csv of the rooms, core/choices.csv
Out:    Markdown
"""

from __future__ import annotations

import csv
import io
from importlib.resources import files
from pathlib import Path

from clearway.cases.sources import SCHEMAS


def render() -> str:
    """The whole page."""
    lines = [
        "# Tables, columns and closed lists",
        "",
        "Made by `python -m scripts.docs_tables` from the files the reader checks against.",
        "",
    ]
    for table, schema in SCHEMAS.items():
        lines += [
            f"## {table} ({' / '.join(schema.zh)})",
            "",
            "| column | 中文 | type | unit | default | meaning | 含义 |",
            "|---|---|---|---|---|---|---|",
        ]
        for c in schema.columns:
            name = f"**{c.name}**" if c.required else c.name
            bounds = [f"≥ {c.minimum:g}"] if c.minimum is not None else []
            bounds += [f"> {c.above:g}"] if c.above is not None else []
            bounds += [f"≤ {c.maximum:g}"] if c.maximum is not None else []
            kind = " ".join([c.type + (f" ({c.choices})" if c.choices else ""), *bounds])
            lines.append(
                f"| {name} | {' / '.join(c.zh)} | {kind} | {c.unit} | {c.default} | {c.meaning} | {c.meaning_zh} |"
            )
        lines.append("")
    rows = csv.DictReader(io.StringIO(files("clearway.core").joinpath("choices.csv").read_text(encoding="utf-8")))
    lines += ["## Closed lists", "", "| list | value | 中文 | meaning |", "|---|---|---|---|"]
    lines += [f"| {r['list']} | {r['value']} | {r['zh'].replace('|', ' / ')} | {r['meaning']} |" for r in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (Path(__file__).resolve().parents[1] / "docs" / "tables.md").write_text(render(), encoding="utf-8")

"""Write docs/tables.md and the end of docs/records.md from what is declared: python -m scripts.docs_tables.

In:     columns.csv of the rooms, core/choices.csv, record-types.csv
Out:    Markdown
"""

from __future__ import annotations

import csv
import io
from importlib.resources import files
from pathlib import Path

from clearway.cases.sources import SCHEMAS
from clearway.records import record_types


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


MARK = "<!-- types -->"


def render_records(page: str) -> str:
    """The page of records with its tables of types made anew."""
    lines = [page.split(MARK)[0] + MARK, ""]
    for rtype in record_types().values():
        lines += [
            f"### {rtype.name} ({rtype.zh}), {rtype.family}",
            "",
            "| field | 中文 | kind | meaning | 含义 |",
            "|---|---|---|---|---|",
        ]
        for f in rtype.fields:
            name = f"**{f.name}**" if f.required else f.name
            kind = ("one of " + ", ".join(f.choices) if f.choices else f.kind) + (", *key*" if f.key else "")
            lines.append(f"| {name} | {f.zh} | {kind} | {f.meaning} | {f.meaning_zh} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    docs = Path(__file__).resolve().parents[1] / "docs"
    (docs / "tables.md").write_text(render(), encoding="utf-8")
    records = docs / "records.md"
    records.write_text(render_records(records.read_text(encoding="utf-8")), encoding="utf-8")

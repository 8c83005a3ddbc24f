"""Write docs/tables.md and the ends of docs/records.md and docs/rules.md from what is declared.

Run with python -m scripts.docs_tables.

In:     columns.csv of the rooms, core/choices.csv, record-types.csv, the packs
Out:    Markdown
"""

from __future__ import annotations

import csv
import io
from datetime import date
from importlib.resources import files
from pathlib import Path

from clearway.cases.sources import SCHEMAS
from clearway.records import record_types
from clearway.rules import load_packs
from clearway.world import plants


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


COVERAGE = "<!-- coverage -->"
WINDOWS = {
    "2020": ("2020-01-01", "2020-12-31"),
    "2021": ("2021-01-01", "2021-12-31"),
    "2022": ("2022-01-01", "2022-12-31"),
    "2022-04": ("2022-04-01", "2022-04-30"),
    "2022-07": ("2022-07-01", "2022-07-31"),
    "peak 2022": ("2022-10-25", "2022-12-20"),
    "2022-12-23": ("2022-12-21", "2023-01-07"),
    "2023-Q3": ("2023-07-01", "2023-09-30"),
    "2023": ("2023-01-01", "2023-12-31"),
    "2024": ("2024-01-01", "2024-12-31"),
    "2025": ("2025-01-01", "2025-12-31"),
}


def render_rules(page: str) -> str:
    """The page of rules with its tables of coverage and of windows made anew."""
    packs = load_packs()
    planted = {
        name: {p.rule for p in plants(packs, *(date.fromisoformat(d) for d in days), seed=1, each=1)}
        for name, days in WINDOWS.items()
    }
    lines = [page.split(COVERAGE)[0] + COVERAGE, "", "## Coverage", ""]
    judged = sum(len(p.rules) for p in packs)
    binding = sum(not r.advisory for r in packs.rules.values())
    gaps = sum(len(p.gaps) for p in packs)
    lines += [
        f"{judged} rules are judged, {binding} of them bind (their text was read), {judged - binding} advise; "
        f"{gaps} rows of the trade's rules are declared gaps: unknown, without a figure, or what no record tells. "
        "The last column says in which windows a world plants the rule.",
        "",
    ]
    for pack in packs:
        head = "| rule | 规则 | source | from | force, basis | per | planted in |"
        lines += [f"### {pack.id} ({pack.title.zh})", "", head, "|---|---|---|---|---|---|---|"]
        for rule in pack.rules.values():
            measure = packs.measures[rule.measure]
            edition = measure.editions[-1]
            where = ", ".join(n for n, rules in planted.items() if rule.id in rules) or "–"
            mark = "" if rule.advisory else "**"
            lines.append(
                f"| {mark}{rule.id}{mark} | {rule.title.zh} | {rule.source or '–'} | {rule.limits[0].first} "
                f"| {rule.force}, {rule.basis} | {edition.unit_field}, {edition.period} | {where} |"
            )
        lines += ["", f"Gaps of {pack.id}:", ""]
        lines += [f"- {g.id} ({g.title.zh}): {g.why.en}" for g in pack.gaps]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    docs = Path(__file__).resolve().parents[1] / "docs"
    (docs / "tables.md").write_text(render(), encoding="utf-8")
    records = docs / "records.md"
    records.write_text(render_records(records.read_text(encoding="utf-8")), encoding="utf-8")
    rules = docs / "rules.md"
    rules.write_text(render_rules(rules.read_text(encoding="utf-8")), encoding="utf-8")

"""The records behind a finding, by their keys.

In:     the name of a finding: RULE/UNIT/PERIOD
Out:    records that count, whether each is as it must be, the batch and row they came in
Not:    judging; anything about a person: of types with a person only the unit is told
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import polars as pl

from clearway.core.errors import Faults
from clearway.core.schema import nearest
from clearway.rules.compiled.values import Compiled
from clearway.rules.declared import Edition, Rule
from clearway.rules.figures import Job
from clearway.rules.findings import Findings, finding_name

MOST = 1000


@dataclass(frozen=True)
class Trace:
    """A finding and the records it rests on; ``records`` has their keys, ``as_asked`` and where they came from."""

    finding: dict[str, Any]
    rule: Rule
    records: pl.DataFrame
    more: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        limit = self.rule.limit_on(self.finding["first"])
        return {
            "id": finding_name(self.finding),
            "finding": self.finding,
            "cite": limit.cite if limit else None,
            "quote": limit.quote if limit else None,
            "records": self.records.to_dicts(),
            "more": self.more,
        }


def trace(findings: Findings, name: str) -> Trace:
    """The records behind one finding of an evaluation.

    Raises
    ------
    InputError
        If the evaluation has no such finding; with the nearest name.
    """
    frame = findings.versioned
    parts = name.split("/")
    rule, unit, period = (parts[0], "/".join(parts[1:-1]), parts[-1]) if len(parts) > 2 else (name, "", "")
    mine = frame.filter((pl.col("rule") == rule) & (pl.col("unit") == unit) & (pl.col("period") == period))
    if not len(mine):
        faults = Faults()
        near = frame.filter(pl.col("rule") == rule) if rule in findings.packs.rules else frame
        names = [finding_name(r) for r in near.head(5000).iter_rows(named=True)]
        faults.add("no_finding", "--trace", None, None, name, nearest=nearest(name, names) if names else "-")
        faults.require()
    row = mine.row(0, named=True)
    declared = findings.packs.rules[rule]
    measure = findings.packs.measures[declared.measure]
    edition = measure.edition_on(row["first"]) or measure.editions[-1]
    frames = [_records(findings, e, row) for e in _sources(findings, edition, row)]
    records = pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()
    return Trace(row, declared, records.head(MOST), max(0, len(records) - MOST))


def _sources(findings: Findings, edition: Edition, row: dict[str, Any]) -> list[Edition]:
    """The definitions over records that a value is formed of."""
    if edition.value_of:
        parts = [findings.packs.measures[n].edition_on(row["first"]) for n in (edition.value_of, edition.over_of)]
        return [e for e in parts if e is not None]
    return [] if edition.kind == "register" else [edition]


def _records(findings: Findings, edition: Edition, row: dict[str, Any]) -> pl.DataFrame:
    lake = findings.lake.as_of(findings.window.now)
    compiled = Compiled(lake, findings.packs, findings.window, findings.origin)
    measure = findings.packs.measures[findings.packs.rules[row["rule"]].measure]
    first = row["first"]
    if edition.window:
        first = first - timedelta(days=edition.window - 1)
    if edition.kind == "coverage":
        edition = replace(edition, unit_field=str(lake.type(edition.of).unit))
    job = compiled.typed(Job(measure, edition, first, row["last"]))
    rtype = lake.type(edition.of)
    only_unit = row["unit"] if edition.unit_field != "CN" and edition.kind != "coverage" else None
    persons = any(f.kind == "person" for f in rtype.fields)
    keys = [rtype.unit] if persons and rtype.unit else list(rtype.key)
    found = compiled.traced(job, only_unit, keys)
    if edition.kind == "coverage":
        members = compiled.members(job).filter((pl.col("unit") == row["unit"]) & (pl.col("period") == row["period"]))
        found = found.filter(pl.col(edition.unit_field).is_in(members["member"].to_list()))
    if persons:
        found = found.drop("batch", "row")
    return found.with_columns(pl.lit(rtype.name).alias("type")).select("type", *found.columns)

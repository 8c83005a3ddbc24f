"""Findings as their users meet them: summary, roll-up, versions, JSON, workbook, trace.

In:     findings of one evaluation as a frame
Out:    Findings
Not:    judging (judging.py), the page (reporting)
Words:  a finding is named RULE/UNIT/PERIOD; version = how often what is known of it has changed
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from clearway.rules.declared import STATES, Packs, Rule
from clearway.rules.figures import Window

if TYPE_CHECKING:
    from clearway.records import Lake

CONTENT = ("state", "value", "numerator", "denominator", "expected", "reported", "left_out", "edition")
NAMED = ("rule", "unit", "period")


@dataclass(frozen=True)
class Findings:
    """What an evaluation found: ``frame`` has one row for each rule, unit and period."""

    frame: pl.DataFrame
    packs: Packs
    window: Window
    lake: Lake
    origin: str | None
    judged: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def versioned(self) -> pl.DataFrame:
        """The frame with ``version``: 1 for what was never kept, else as kept, one more where it changed."""
        from clearway.rules.versions import versions

        return versions(self.lake, self.frame, self.window.now)

    def keep(self) -> int:
        """Keep findings that are new or have changed in the lake; returns how many."""
        from clearway.rules.versions import keep

        return keep(self.lake, self.versioned, self.window.now)

    @property
    def breaches(self) -> pl.DataFrame:
        """Breaches of verified binding rules: what an exit code answers for."""
        return self.frame.filter((pl.col("state") == "breached") & ~pl.col("advisory"))

    def summary(self) -> dict[str, Any]:
        """Numbers of findings by state, binding and advisory; by topic, place, operator and rule."""
        binding = self.frame.filter(~pl.col("advisory"))
        return {
            "from": self.window.first.isoformat(),
            "to": self.window.last.isoformat(),
            "at": self.window.now.isoformat(timespec="seconds"),
            "origin": self.origin,
            "packs": {p.id: p.fingerprint for p in self.packs},
            "rules": len(self.judged),
            "findings": len(self.frame),
            "states": _counted(binding),
            "advisory": _counted(self.frame.filter(pl.col("advisory"))),
            "rules_breached": sorted(self.breaches["rule"].unique().to_list()),
            "by_rule": self.by_rule().to_dicts(),
            "by_topic": self.by_topic().to_dicts(),
            "by_place": self.by("province").to_dicts(),
            "by_operator": self.by("operator").to_dicts(),
            "said": self.said(),
        }

    def said(self) -> list[dict[str, str]]:
        """What is odd about the lake, and what it means for the figures."""
        from clearway.rules.versions import oddities

        return oddities(self.lake)

    def by_rule(self) -> pl.DataFrame:
        """Numbers by rule and state, and the rolled-up value where numerators and denominators add up."""
        return self._rolled(self.frame, ["rule"])

    def by_topic(self) -> pl.DataFrame:
        """Numbers by the first topic of the rule."""
        topics = {r: self.packs.rules[r].topics[0] for r in self.judged}
        frame = self.frame.with_columns(topic=pl.col("rule").replace_strict(topics, return_dtype=pl.String))
        return _by_state(frame, ["topic"])

    def by(self, attribute: str) -> pl.DataFrame:
        """Numbers and rolled-up values by rule and an attribute of the unit: province, city, operator, kind, parent.

        Numerators and denominators are added; shares are never averaged.
        """
        from clearway.rules.surroundings import Surroundings

        units = Surroundings(self.lake, self.window.first, self.window.last).units
        latest = units.unique("id", keep="last")
        known = dict(latest.select("id", attribute).iter_rows())
        frame = self.frame.with_columns(
            pl.col("unit").replace_strict(known, default=None, return_dtype=pl.String).alias(attribute)
        )
        return self._rolled(frame.drop_nulls(attribute), ["rule", attribute])

    def _rolled(self, frame: pl.DataFrame, by: list[str]) -> pl.DataFrame:
        counted = _by_state(frame, by)
        sums = frame.group_by(by).agg(
            numerator=pl.col("numerator").sum(),
            denominator=pl.when(pl.col("denominator").is_not_null().any()).then(pl.col("denominator").sum()),
            expected=pl.col("expected").sum(),
            reported=pl.col("reported").sum(),
        )
        scale = {r: self.packs.measures[self.packs.rules[r].measure].editions[-1] for r in self.judged}
        adds = {
            r: (e.scale if e.kind in ("share", "ratio", "time", "coverage", "register") else None)
            for r, e in scale.items()
        }
        value = pl.when(pl.col("denominator") > 0).then(
            pl.col("numerator") / pl.col("denominator") * pl.col("rule").replace_strict(adds, return_dtype=pl.Float64)
        )
        return counted.join(sums, on=by, how="left").with_columns(value=value).sort(by)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        columns = [*NAMED, *CONTENT, "sample", "low", "high", "why", "at_least", "at_most", "advisory", "version"]
        return {"findings": self.versioned.select(columns).to_dicts(), "summary": self.summary()}

    def rule(self, name: str) -> Rule:
        """A rule that was judged."""
        return self.packs.rules[name]

    def write_workbook(self, path: Path) -> None:
        """Findings, sums by rule, place and operator, as .xlsx."""
        from clearway.core.tables import write_sheets

        sheets = {
            "findings 结论": self.versioned, "rules 规则": self.by_rule(), "places 地区": self.by("province"),
            "operators 企业": self.by("operator"),
        }  # fmt: skip
        write_sheets(path, sheets)


def _counted(frame: pl.DataFrame) -> dict[str, int]:
    counts = dict(frame.group_by("state").len().iter_rows())
    return {s: counts.get(s, 0) for s in STATES}


def _by_state(frame: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    states = [(pl.col("state") == s).sum().alias(s) for s in STATES]
    return frame.group_by(by).agg(pl.len().alias("findings"), *states).sort(by)


def finding_name(row: dict[str, Any]) -> str:
    """RULE/UNIT/PERIOD."""
    return "/".join(str(row[k]) for k in NAMED)

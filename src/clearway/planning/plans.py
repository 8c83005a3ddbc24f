"""The Plan: what was decided, what it costs, how far from optimal it can be; on disk and in memory.

In:     frames and a summary
Out:    Plan; the files of docs/case-format.md
Not:    solving (solve.py), words about it (explain.py, instructions.py)
Words:  rows = loads, capacities and prices of every facility and lane by slot
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from clearway.cases import Case
from clearway.core.errors import InputError, PlanError
from clearway.core.files import staged_folder
from clearway.core.tables import csv_text
from clearway.planning.sortplan import SortPlan

FILES = frozenset(
    {
        "summary.json",
        "rows.parquet",
        "flows.parquet",
        "commodities.parquet",
        "sortplan.parquet",
        "calls.parquet",
        "changes.parquet",
        "usual.parquet",
        "stock.parquet",
        "ordered.parquet",
        "instructions.csv",
        "report.html",
    }
)


@dataclass(frozen=True, eq=False)
class Begun:
    """What a replan began with: the stock there was, the extra capacity that was ordered before (ORDERED)."""

    stock: pl.DataFrame
    ordered: pl.DataFrame


@dataclass(frozen=True, eq=False)
class Plan:
    """One plan. ``flows`` and ``commodities`` are ``None`` where it was written without them.

    rows: row, id, slot, start, load, capacity, extra_limit, extra, overflow, price.
    flows: lane, slot, destination, class, parcels.
    commodities: facility, slot, destination, class, offered, accepted, held, unsorted, sorted,
    sorted_held, delivered, undelivered.
    """

    facts: dict[str, Any]
    rows: pl.DataFrame
    flows: pl.DataFrame | None
    commodities: pl.DataFrame | None
    sort_plan: SortPlan | None = None
    given_case: Case | None = None
    changes: pl.DataFrame | None = None  # from the usual or earlier sort plan (changes.py)
    usual: pl.DataFrame | None = None  # the usual lanes that they are changes from: facility, destination, class, usual
    begun: Begun | None = None  # what a replan began with

    def summary(self) -> dict[str, Any]:
        """What summary.json holds."""
        return self.facts

    @cached_property
    def case(self) -> Case:
        """The case the plan was made for, read again where it is not at hand.

        Raises PlanError where it cannot be found or is not the same any more.
        """
        if self.given_case is not None:
            return self.given_case
        return self.matched(reread_case(self.facts["case"], self.begun))

    def matched(self, case: Case) -> Case:
        """The case, if it is the one the plan was made for; raises PlanError otherwise."""
        expected = self.facts["case"]["digest"]
        if case.digest != expected:
            raise PlanError(
                f"The plan was made for case {self.facts['case']['name']!r} with digest {expected[:12]}…; "
                f"{case.source!r} now has {case.digest[:12]}…. "
                "Name the case it was made for (check: CASE, explain: --case)."
            )
        return case

    def explain(self, **target: str) -> str:
        """Words about one facility, lane, pair or class: ``explain(facility="420100")``."""
        from clearway.planning.explain import explain

        return explain(self, **target)

    def write(self, folder: str | Path, *, flows: bool = True, report: str | None = None) -> Path:
        """Write the plan's files; older ones stay whole until all are written. Returns the folder."""
        from clearway.planning.instructions import draft_instructions

        target = Path(folder)
        with staged_folder(target, FILES) as staging:
            text = json.dumps(self.facts, ensure_ascii=False, indent=2)
            (staging / "summary.json").write_text(text + "\n", encoding="utf-8")
            self.rows.write_parquet(staging / "rows.parquet")
            if flows and self.flows is not None and self.commodities is not None:
                self.flows.write_parquet(staging / "flows.parquet")
                self.commodities.write_parquet(staging / "commodities.parquet")
            (staging / "instructions.csv").write_text(csv_text(draft_instructions(self)), encoding="utf-8-sig")
            if self.sort_plan is not None:
                self.sort_plan.hops.write_parquet(staging / "sortplan.parquet")
                self.sort_plan.calls.write_parquet(staging / "calls.parquet")
            if self.usual is not None:
                self.usual.write_parquet(staging / "usual.parquet")
            if self.changes is not None:
                self.changes.write_parquet(staging / "changes.parquet")
            if self.begun is not None:
                self.begun.stock.write_parquet(staging / "stock.parquet")
                self.begun.ordered.write_parquet(staging / "ordered.parquet")
            if report is not None:
                (staging / "report.html").write_text(report, encoding="utf-8")
        return target

    @staticmethod
    def read(folder: str | Path) -> Plan:
        """Read a plan's folder; raises PlanError where it is none."""
        path = Path(folder)
        try:
            facts = json.loads((path / "summary.json").read_text(encoding="utf-8"))
            rows = pl.read_parquet(path / "rows.parquet")
            flows, commodities = (
                pl.read_parquet(path / name) if (path / name).exists() else None
                for name in ("flows.parquet", "commodities.parquet")
            )
            floor = [path / name for name in ("sortplan.parquet", "calls.parquet")]
            sort_plan = SortPlan(*(pl.read_parquet(x) for x in floor)) if all(x.exists() for x in floor) else None
            changes, usual = path / "changes.parquet", path / "usual.parquet"
            begun = [path / name for name in ("stock.parquet", "ordered.parquet")]
            more: dict[str, Any] = {
                "changes": pl.read_parquet(changes) if changes.exists() else None,
                "usual": pl.read_parquet(usual) if usual.exists() else None,
                "begun": Begun(*(pl.read_parquet(x) for x in begun)) if all(x.exists() for x in begun) else None,
            }
        except FileNotFoundError as error:
            raise PlanError(f"{path} is not a plan: {Path(error.filename or '').name} is missing.") from error
        except (ValueError, pl.exceptions.PolarsError, OSError) as error:
            raise PlanError(f"{path} cannot be read as a plan: {str(error).splitlines()[0]}") from error
        return Plan(facts, rows, flows, commodities, sort_plan, **more)


def reread_case(recipe: dict[str, Any], begun: Begun | None = None) -> Case:
    """The case from what summary.json says of it: source, part, horizon, disruptions, known_at."""
    try:
        case = Case.read(recipe["source"])
    except InputError as error:
        raise PlanError(f"The plan's case {recipe['source']!r} cannot be read: {error}") from error
    return derive_case(case, recipe.get("options", {}), begun)


def derive_case(case: Case, options: dict[str, Any], begun: Begun | None = None) -> Case:
    """A case after the options of the command line: places, days, slot_hours, sites, disrupt, known_at; at."""
    if options.get("places"):
        case = case.restricted_to(options["places"])
    if options.get("days") or options.get("slot_hours"):
        case = case.with_horizon(days=options.get("days"), slot_hours=options.get("slot_hours"))
    if options.get("sites"):
        case = case.with_sites(options["sites"])
    if options.get("disrupt"):
        case = case.with_disruption(*options["disrupt"])
    if options.get("known_at"):
        case = case.known_at(datetime.fromisoformat(options["known_at"]))
    if options.get("at") and begun is not None:
        case = case.starting(datetime.fromisoformat(options["at"]), begun.stock, ordered=begun.ordered)
    return case

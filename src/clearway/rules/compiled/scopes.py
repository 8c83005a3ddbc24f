"""Units in force by period, and those a rule holds for.

In:     registers, scopes and cases of rules
Out:    units by period with the case that decides
Not:    values (values.py)
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import polars as pl

from clearway.records import Lake, lies_in
from clearway.rules.compiled import kinds
from clearway.rules.compiled.bench import Bench, register_of
from clearway.rules.declared import Edition, Packs, Rule
from clearway.rules.expressions import Expression, fields_of
from clearway.rules.figures import Job, Window
from clearway.rules.periods import periods
from clearway.rules.resolving import Names
from clearway.rules.surroundings import Surroundings

KEYS = kinds.KEYS
Stretch = tuple[date, date]


class Scopes:
    """Units of a lake's register, period by period."""

    def __init__(
        self, lake: Lake, packs: Packs, window: Window, origin: str | None, stretches: dict[str, Stretch]
    ) -> None:
        self.lake, self.packs, self.window, self.stretches = lake, packs, window, stretches
        firsts = [window.first, *(s[0] for s in stretches.values())]
        lasts = [window.last, *(s[1] for s in stretches.values())]
        self.around = Surroundings(lake, min(firsts) - timedelta(days=370), max(lasts))
        self.bench = Bench(lake, self.around, packs.ranks, origin, window.now)
        self._unit_names = Names(None, lake.types)
        self._units: dict[tuple[str, str, Stretch], pl.DataFrame] = {}

    def stretch(self, measure: str) -> Stretch:
        """The days of the periods a measure is evaluated for."""
        return self.stretches.get(measure, (self.window.first, self.window.last))

    def units_of(self, tree: Expression | None, job: Job) -> pl.DataFrame:
        """Units that meet an expression on the first day of each period of a job."""
        stretch = self.stretch(job.measure.id)
        return self.units_where(tree, job.edition.period, job.edition.season, stretch)

    # ------------------------------------------------------------ units

    def units(self, period: str, season: str, stretch: Stretch) -> pl.DataFrame:
        """Units of the register in force at both ends of each period: KEYS and their attributes."""
        key = (period, season, stretch)
        if key not in self._units:
            register = self.around.units
            if period == "season":
                held = self.around.season(season).rename({"key": "unit"})
                spans = held.filter(pl.col("last").is_between(*stretch)).select(
                    "unit", "first", "last", period=pl.lit(season)
                )
                joined = spans.join(register.rename({"id": "unit"}), on="unit")
            else:
                rows = [(p.name, p.first, p.last) for p in periods(period, *stretch)]
                named = pl.DataFrame(
                    rows, schema={"period": pl.String, "first": pl.Date, "last": pl.Date}, orient="row"
                )
                joined = register.rename({"id": "unit"}).join(named, how="cross")
            begins, ends = (pl.col(c).cast(pl.Datetime("us")) for c in ("first", "last"))
            self._units[key] = joined.filter(
                (pl.col("since") <= begins) & (begins < pl.col("until")) & (ends < pl.col("until"))
            ).drop("since", "until")
        return self._units[key]

    def units_where(self, tree: Expression | None, period: str, season: str, stretch: Stretch) -> pl.DataFrame:
        """Units that meet an expression on the first day of each period."""
        units = self.units(period, season, stretch)
        if tree is None or not len(units):
            return units
        typed = self._unit_names.typed(tree)
        dotted = _dotted([typed])

        def build(tables: Any) -> Any:
            from clearway.rules.compiled.terms import filtered

            return filtered(_unit_table(tables, dotted), typed, self.packs.ranks).select(units.columns)

        return self.bench.ask_frames(("units", typed), build, map(register_of, dotted), _asked=units)

    def in_scope(self, rule: Rule, edition: Edition, stretch: Stretch) -> pl.DataFrame:
        """Units a rule holds for by period: KEYS and the number of the case that decides, -1 where none does."""
        units = self.units_where(rule.scope.where, edition.period, edition.season, stretch)
        if rule.scope.kinds:
            units = units.filter(pl.col("kind").is_in(rule.scope.kinds))
        if rule.scope.places:
            units = units.filter(within_places(units["place"], rule.scope.places))
        if rule.enterprise:
            units = units.filter((pl.col("operator") == rule.authority) | (pl.col("unit") == rule.authority))
        for local in replacing(self.packs, rule):
            units = units.filter(~within_places(units["place"], local.scope.places))
        conditions = [
            (x.first, x.last, n, None if c.when is None else self._unit_names.typed(c.when))
            for x in rule.limits for n, c in enumerate(x.cases)
        ]  # fmt: skip
        trees = [tree for *_, tree in conditions if tree is not None]
        if not trees or not len(units):
            return units.select(*KEYS, case=pl.lit(0, dtype=pl.Int64))
        dotted = _dotted(trees)

        def build(tables: Any) -> Any:
            import ibis

            from clearway.rules.compiled.terms import boolean

            table = _unit_table(tables, dotted)
            branches = []
            for first, last, n, tree in conditions:
                here = (table["first"] >= first) & (table["first"] <= last)
                met = here if tree is None else here & boolean(tree, table, self.packs.ranks)
                branches.append((met, ibis.literal(n)))
            return table.select(*KEYS, case=ibis.cases(*branches, else_=-1))

        return self.bench.ask_frames(("cases", conditions), build, map(register_of, dotted), _asked=units)


def _dotted(trees: Iterable[Expression]) -> list[str]:
    return sorted({f.name for tree in trees for f in fields_of(tree) if "." in f.name})


def _unit_table(tables: Any, dotted: Iterable[str]) -> Any:
    """The units asked about with what holds around them on the first day of the period, as an Ibis table."""
    from clearway.rules.compiled.relations import by_head, surrounded

    table = tables.table("_asked")
    table = table.mutate(_time=table["first"].cast("timestamp"))
    for head, tails in by_head(dotted).items():
        table = surrounded(tables, table, head, tails, "unit")
    return table


def replacing(packs: Packs, rule: Rule) -> list[Rule]:
    """Rules that set another value for their places."""
    return [r for r in packs.rules.values() if r.replaces == rule.id and r.scope.places]


def within_places(places: pl.Series, wanted: tuple[str, ...]) -> pl.Series:
    """Which places are one of some, or below one."""
    known = {p: lies_in(p, wanted) for p in places.unique().to_list() if p is not None}
    return places.replace_strict(known, default=False, return_dtype=pl.Boolean)

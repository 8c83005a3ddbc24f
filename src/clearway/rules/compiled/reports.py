"""Who was to report and who did: silent units and nil returns beside the values.

In:     what a measure expects, the days on which units sent records
Out:    values with expected and reported
Not:    values (values.py), whether that is enough (judging.py)
"""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from clearway.rules.compiled import sums
from clearway.rules.compiled.bench import source_of
from clearway.rules.compiled.daily import Daily, Want
from clearway.rules.compiled.scopes import KEYS, Scopes, Stretch
from clearway.rules.declared import Expected
from clearway.rules.figures import VALUES, Job


class Reports(Scopes):
    """``reported_on`` keeps, by record type and unit field, days looked at and days with records of each unit."""

    def __init__(self, *words: Any) -> None:
        super().__init__(*words)
        self.daily = Daily(self.bench)
        self.reported_on: dict[tuple[str, str], tuple[Stretch, pl.DataFrame]] = {}

    def expected_units(self, expected: Expected, job: Job) -> pl.DataFrame:
        """Units that are to report, by period."""
        units = self.units_of(expected.where, job)
        return units.filter(pl.col("kind").is_in(expected.kinds)) if expected.kinds else units

    def with_reports(self, values: pl.DataFrame, job: Job) -> pl.DataFrame:
        """Values with what was expected and what was reported; silent units and nil returns are there too."""
        edition = job.edition
        assert edition.expected is not None
        asked = self.expected_units(edition.expected, job).select(KEYS)
        if edition.window:
            asked = asked.with_columns(begin=pl.col("first") - pl.duration(days=edition.window - 1))
        else:
            asked = asked.with_columns(begin=pl.col("first"))
        every = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}[edition.expected.every]
        days = (pl.col("last") - pl.col("begin")).dt.total_days() + 1
        length = {"day": days, "week": (days + 6) // 7, "month": (days + 27) // 31 + (days < 4)}[edition.expected.every]
        came = pl.concat([self._present(job), self._nil(job)]).unique()
        joined = asked.select("unit", "period", "begin", "last").join(came, on="unit", how="left")
        joined = joined.filter(pl.col("_day").is_between(pl.col("begin"), pl.col("last")))
        reports = joined.group_by("unit", "period").agg(reported=pl.col("_day").dt.strftime(every).n_unique())
        asked = asked.with_columns(expected=length).join(reports, on=["unit", "period"], how="left")
        asked = asked.with_columns(pl.col("reported").fill_null(0))
        joined = asked.drop("begin").join(
            values.drop("expected", "reported", *KEYS[2:]), on=["unit", "period"], how="left"
        )
        if edition.kind in ("count", "sum") and not edition.change:
            there = pl.col("reported") > 0
            joined = joined.with_columns(
                pl.when(pl.col("value").is_null() & there).then(0.0).otherwise(pl.col(c)).alias(c)
                for c in ("numerator", "value")
            )
        others = values.join(asked.select("unit", "period"), on=["unit", "period"], how="anti")
        known = pl.concat([sums.shaped(joined), others])
        return known.filter(pl.col("first").is_between(edition.first, edition.last)).cast(pl.Schema(VALUES))

    def _present(self, job: Job) -> pl.DataFrame:
        """Days on which each unit sent records of the measure's type."""
        field = job.edition.unit_field
        key = (job.edition.of, field)
        (begun, ended), there = self.reported_on.get(key, ((date.max, date.min), pl.DataFrame()))
        if begun > job.first or ended < job.last:
            source = source_of(self.lake.type(job.edition.of), [], {field})

            def build(prepared: Any) -> Any:
                return prepared.table.select(unit=prepared.table[field], _day=prepared.table["_day"]).distinct()

            want = Want(f"present {field}", source, job.first, job.last)
            rows = self.daily.rows(want, lambda first, last: self.bench.ask(want.what, source, first, last, build))
            there = rows.drop_nulls("unit")
            self.reported_on[key] = ((job.first, job.last), there)
        return there

    def _nil(self, job: Job) -> pl.DataFrame:
        rows = self.lake.read("nil_return", job.first, job.last, origin=self.bench.origin)
        return rows.filter(pl.col("type") == job.edition.of).select("unit", _day="day")

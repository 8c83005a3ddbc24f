"""Values of measures, compiled: one pass over each record type for all sums, further queries for the other kinds.

In:     a lake, packs, the window evaluated
Out:    Figures
Not:    states (judging.py), who reported (reports.py), who a rule holds for (scopes.py)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

import ibis
import polars as pl

from clearway.records import Lake, RecordType
from clearway.rules.compiled import kinds, sums
from clearway.rules.compiled.bench import Prepared
from clearway.rules.compiled.nearby import counted
from clearway.rules.compiled.reports import Reports
from clearway.rules.compiled.scopes import Stretch
from clearway.rules.compiled.terms import boolean
from clearway.rules.conditions import Condition
from clearway.rules.declared import Edition, Measure, Packs
from clearway.rules.figures import Figures, Job, Window, no_values
from clearway.rules.periods import earlier, period_of
from clearway.rules.resolving import Names
from clearway.rules.surroundings import FAR

_DAY = timedelta(days=1)
KEYS = kinds.KEYS


class Compiled(Reports):
    """The engine of records at work on one window.

    Parameters
    ----------
    stretches
        Days of whole periods by measure, where they differ from the window's.
    """

    def __init__(
        self, lake: Lake, packs: Packs, window: Window, origin: str | None = None,
        stretches: Mapping[str, Stretch] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(lake, packs, window, origin, dict(stretches or {}))

    # ------------------------------------------------------------ figures

    def figures(self, wanted: Iterable[str]) -> Figures:
        """Values of some measures, and of those they are formed of."""
        jobs = [job for name in self._with_parts(wanted) for job in self._jobs(self.packs.measures[name])]
        found: dict[str, list[pl.DataFrame]] = {}
        clocks: dict[str, list[pl.DataFrame]] = {}
        self._sums([j for j in jobs if sums.summed(j.edition)], found)
        for job in jobs:
            if job.edition.kind == "duration":
                clocks.setdefault(job.measure.id, []).append(self._clocks(job))
            elif job.edition.value_of:
                continue
            elif not sums.summed(job.edition):
                found.setdefault(job.measure.id, []).append(self._single(job))
        values = {name: pl.concat(parts) for name, parts in found.items()}
        for job in jobs:
            if job.edition.value_of:
                above, below = (values.get(n, no_values()) for n in (job.edition.value_of, job.edition.over_of))
                values[job.measure.id] = kinds.ratio_of_values(above, below, job.edition)
        for job in jobs:
            edition = job.edition
            if edition.change:
                values[job.measure.id] = self._changed(values[job.measure.id], edition)
            if edition.expected is not None and job.measure.id in values:
                values[job.measure.id] = self.with_reports(values[job.measure.id], job)
        return Figures(values, {name: pl.concat(parts) for name, parts in clocks.items()})

    def _with_parts(self, wanted: Iterable[str]) -> list[str]:
        """Measures and those they use, parts first."""
        found: dict[str, None] = {}

        def add(name: str) -> None:
            for edition in self.packs.measures[name].editions:
                for part in (edition.value_of, edition.over_of):
                    if part:
                        self.stretches.setdefault(part, self.stretch(name))
                        add(part)
            found[name] = None

        for name in wanted:
            add(name)
        return list(found)

    def _jobs(self, measure: Measure) -> Iterable[Job]:
        first, last = self.stretch(measure.id)
        for edition in measure.editions:
            if edition.last < first or edition.first > last:
                continue
            begins, ends = max(first, edition.first), min(last, edition.last)
            if edition.window:
                begins = max(edition.first, begins - (edition.window - 1) * _DAY)
            elif edition.period not in ("day", "season"):
                own = period_of(edition.period, begins)
                begins = own.first if own.first >= edition.first else own.last + _DAY
                ends = min(period_of(edition.period, ends).last, last)
            if edition.change:
                begins = max(edition.first, earlier(begins, edition.change))
            if begins <= ends:
                yield Job(measure, edition, begins, ends)

    def _sums(self, jobs: list[Job], found: dict[str, list[pl.DataFrame]]) -> None:
        by_type: dict[str, list[Job]] = {}
        for job in jobs:
            by_type.setdefault(job.edition.of, []).append(job)
        for name, mine in by_type.items():
            every = [self.typed(j) for j in mine]
            for job in every:
                if sums.looks_around(job.edition):
                    near = self.prepared(self.lake.type(name), [job])
                    rows = sums.sums_around(near, job, self.packs.ranks, self.window.now)
                    found.setdefault(job.measure.id, []).append(self._values(rows, job))
            typed = [j for j in every if not sums.looks_around(j.edition)]
            if not typed:
                continue
            prepared = self.prepared(self.lake.type(name), typed)
            daily = sums.daily_sums(prepared, typed, self.packs.ranks, self.window.now)
            reach = (min(j.first for j in typed), max(j.last for j in typed))
            for field in {j.edition.unit_field for j in typed} - {sums.NATION}:
                there = daily.select(pl.col(field).alias("unit"), "_day").drop_nulls("unit").unique()
                self.reported_on[name, field] = (reach, there)
            for i, job in enumerate(typed):
                rows = sums.by_unit(daily, i, job)
                found.setdefault(job.measure.id, []).append(self._values(rows, job))

    def _values(self, daily: pl.DataFrame, job: Job) -> pl.DataFrame:
        """Values of periods from the daily parts of a job."""
        edition = job.edition
        first, last = self.stretch(job.measure.id)
        begins = job.first if edition.change else max(job.first, first)
        values = sums.values_of(daily, edition, begins, last, self._season(edition))
        return values.filter(pl.col("first").is_between(edition.first, edition.last))

    def _season(self, edition: Edition) -> pl.DataFrame:
        return self.around.season(edition.season) if edition.period == "season" else pl.DataFrame()

    def typed(self, job: Job) -> Job:
        """The job with the constants of its conditions typed and subjects filled in."""
        rtype = self.lake.type(job.edition.of)
        names = Names(rtype, self.lake.types)
        subject = job.edition.subject or rtype.subject or rtype.unit or ""

        def typed(condition: Condition | None) -> Condition | None:
            return None if condition is None else names.typed_condition(condition, subject)

        e = job.edition
        edition = replace(e, base=typed(e.base), match=typed(e.match), adds=typed(e.adds), takes=typed(e.takes))
        return replace(job, edition=edition)

    def prepared(self, rtype: RecordType, jobs: list[Job], more: Iterable[str] = ()) -> Prepared:
        """The relation of a type with all that some jobs use."""
        conditions: list[Condition | None] = []
        names: set[str] = set(more)
        for job in jobs:
            e = job.edition
            conditions += [e.base, e.match, e.adds, e.takes]
            names |= {
                n
                for n in (e.unit_field, e.value, e.over, e.distinct, e.subject, e.start, e.end, e.sampled, e.ripe)
                if n
            }
            if e.clock is not None:
                names |= {e.clock.start, *(e.clock.pause or ())} | (set() if e.clock.stop_type else {e.clock.stop})
        names -= {sums.NATION, "day"}
        if rtype.subject:
            names.add(rtype.subject)
        first, last = min(j.first for j in jobs), max(j.last for j in jobs)
        return self.bench.prepare(rtype, first, last, conditions, names)

    # ------------------------------------------------------------ kinds of single records

    def _rows(self, job: Job, columns: Mapping[str, str]) -> tuple[pl.DataFrame, Job]:
        """The records of a job's base: unit, _day, _time, subject and the fields asked for, under their new names."""
        job = self.typed(job)
        rtype = self.lake.type(job.edition.of)
        rows = counted(self.prepared(rtype, [job]), job.edition.base, self.packs.ranks).table
        field = job.edition.unit_field
        unit = ibis.literal(sums.NATION) if field == sums.NATION else rows[field]
        subject = job.edition.subject or rtype.subject or rtype.unit
        who = rows[subject].cast("string") if subject else ibis.literal("")
        chosen = rows.select(
            unit=unit, _day=rows["_day"], _time=rows["_time"], subject=who,
            **{new: rows[old] for old, new in columns.items()},
        )  # fmt: skip
        return pl.DataFrame(chosen.to_polars()).drop_nulls("unit"), job

    def _spread(self, job: Job) -> kinds.Spread:
        first, last = self.stretch(job.measure.id)
        seasons = self._season(job.edition)
        return lambda rows: sums.in_periods(rows, job.edition, first, last, seasons)

    def _single(self, job: Job) -> pl.DataFrame:
        edition = job.edition
        kind = edition.kind
        if kind == "register":
            return self._register(job)
        spread = self._spread(job)
        if kind == "level":
            rows, job = self._rows(job, {edition.value: "_value"})
            return kinds.level(rows, edition, spread)
        if kind in ("interval", "time"):
            columns = {edition.start: "_start", edition.end: "_end"} if kind == "time" else {}
            wider = Job(job.measure, edition, job.first - 2 * _DAY, job.last) if kind == "time" else job
            rows, _ = self._rows(wider, columns)
            looked = self._looked_at(rows, job)
            if kind == "time":
                return kinds.hours(rows, edition, looked, self.window.now)
            return kinds.interval(rows, edition, looked, self.window.now)
        extra = {edition.distinct: f"f.{edition.distinct}"} if edition.distinct not in ("", "day") else {}
        if kind == "coverage":
            # records name the unit that is covered; it may count for another, such as its place
            own = replace(edition, unit_field=str(self.lake.type(edition.of).unit))
            rows, _ = self._rows(replace(job, edition=own), extra)
            return kinds.coverage(rows, edition, spread, self.members(job))
        rows, job = self._rows(job, extra)
        return kinds.distinct(rows, edition, spread)

    def _looked_at(self, rows: pl.DataFrame, job: Job) -> pl.DataFrame:
        """Units and periods of a gap or of hours: those expected, and those with records."""
        seen = self._spread(job)(rows.select("unit", "_day")).select(KEYS).unique()
        if job.edition.expected is None:
            return seen.sort("unit", "first")
        asked = self.expected_units(job.edition.expected, job)
        return pl.concat([seen, asked.select(KEYS)]).unique().sort("unit", "first")

    def members(self, job: Job) -> pl.DataFrame:
        """Units of the register that a coverage counts, with the group and period each counts for."""
        units = self.units_of(job.edition.among, job)
        group = pl.col("unit") if job.edition.unit_field in self._own_unit(job) else pl.col(job.edition.unit_field)
        if job.edition.unit_field == sums.NATION:
            group = pl.lit(sums.NATION)
        return units.select(pl.col("unit").alias("member"), group.alias("unit"), *KEYS[1:]).drop_nulls("unit")

    def _own_unit(self, job: Job) -> set[str]:
        rtype = self.lake.type(job.edition.of)
        return {str(rtype.unit), "unit", "id"}

    def _register(self, job: Job) -> pl.DataFrame:
        """Whether units hold what they must on the first day of the period."""
        edition = job.edition
        members = self.members(job)
        if not edition.held:
            return sums.with_values(members.group_by(KEYS).agg(n=pl.len()), edition)
        rtype = self.lake.type(edition.held)
        rows = self.lake.read(edition.held)
        if edition.held_where is not None and len(rows):
            tree = Names(rtype, self.lake.types).typed(edition.held_where)
            table = self.bench.frame(f"_held_{job.measure.id}", rows)
            rows = pl.DataFrame(table.filter(boolean(tree, table, self.packs.ranks)).to_polars())
        unit = edition.held_by or rtype.unit or rtype.subject
        ends = pl.col("to") if "to" in rtype.names else pl.lit(None, dtype=pl.Date)
        spans = rows.select(pl.col(str(unit)).alias("member"), _from=pl.col(rtype.time).cast(pl.Date), _to=ends)
        joined = members.join(spans, on="member", how="left").with_columns(
            there=(pl.col("_from") <= pl.col("first")) & (pl.col("_to").is_null() | (pl.col("_to") >= pl.col("first")))
        )
        by_member = joined.group_by("member", *KEYS).agg(n=pl.col("there").fill_null(False).any())
        frame = by_member.group_by(KEYS).agg(n=pl.col("n").sum(), d=pl.len())
        return sums.with_values(frame, edition)

    # ------------------------------------------------------------ clocks

    def _clocks(self, job: Job) -> pl.DataFrame:
        clock = job.edition.clock
        assert clock is not None
        columns = {clock.start: "_start"}
        if not clock.stop_type:
            columns[clock.stop] = "_stop"
        if clock.pause:
            columns |= {clock.pause[0]: "_pause", clock.pause[1]: "_resume"}
        if clock.start != self.lake.type(job.edition.of).time:
            job = replace(job, first=job.first - 400 * _DAY)  # a record may lie long before its clock starts
        rows, job = self._rows(job, columns)
        if clock.stop_type:
            rows = rows.join(self._stops(job), on="subject", how="left")
        absent = [
            pl.lit(None, dtype=pl.Datetime("us")).alias(c) for c in ("_pause", "_resume") if c not in rows.columns
        ]
        moments = ("_start", "_stop", "_pause", "_resume")
        rows = rows.with_columns(absent).with_columns(pl.col(moments).cast(pl.Datetime("us")))
        spread = sums.in_periods(
            rows.with_columns(_day=pl.col("_start").dt.date()).drop_nulls("_day"), job.edition,
            *self.stretch(job.measure.id), self._season(job.edition),
        )  # fmt: skip
        found = kinds.clocks(spread, clock, self.window.now, kinds.DaysOff(self.around.calendar))
        return found.filter(pl.col("first").is_between(job.edition.first, job.edition.last))

    def _stops(self, job: Job) -> pl.DataFrame:
        """When the first record came that stops each subject's clock."""
        clock = job.edition.clock
        assert clock is not None
        rtype = self.lake.type(clock.stop_type)
        where = None
        if clock.stop_where is not None:
            where = Names(rtype, self.lake.types).typed_condition(clock.stop_where, clock.stop_on)
        prepared = self.bench.prepare(rtype, job.first, FAR.date() - _DAY, [where], {clock.stop, clock.stop_on})
        table = counted(prepared, where, self.packs.ranks).table
        found = table.group_by(subject=table[clock.stop_on].cast("string")).aggregate(_stop=table[clock.stop].min())
        return pl.DataFrame(found.to_polars())

    # ------------------------------------------------------------ change

    def _changed(self, values: pl.DataFrame, edition: Edition) -> pl.DataFrame:
        later = {(u, p): v for u, p, v in values.select("unit", "period", "value").iter_rows()}
        rows = []
        for unit, period, first in values.select("unit", "period", "first").iter_rows():
            before = period_of(edition.period, earlier(first, edition.change)).name
            rows.append((unit, period, later.get((unit, before))))
        schema = {"unit": pl.String, "period": pl.String, "before": pl.Float64}
        changed = kinds.change(values, pl.DataFrame(rows, schema=schema, orient="row"))
        return changed.filter(pl.col("first") >= self.window.first)

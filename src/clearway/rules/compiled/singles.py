"""What single records are read for, and the kinds of figures that need them: clocks, gaps, hours, levels, coverage.

In:     jobs
Out:    sources and wants of jobs; values and clocks of these kinds
Not:    sums (values.py, sums.py), the arithmetic of each kind (kinds.py)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl

from clearway.rules.compiled import kinds, sums
from clearway.rules.compiled.bench import Source, source_of
from clearway.rules.compiled.daily import Want
from clearway.rules.compiled.reports import Reports
from clearway.rules.conditions import Condition, related_in
from clearway.rules.declared import Edition
from clearway.rules.figures import Job
from clearway.rules.resolving import Names
from clearway.rules.surroundings import FAR

_DAY = timedelta(days=1)
_LONG = timedelta(days=400)
KEYS = kinds.KEYS


class Singles(Reports):
    """Figures formed of single records, one query for each."""

    def season_of(self, edition: Edition) -> pl.DataFrame:
        """The season a definition goes by, where it goes by one."""
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

    def source(self, editions: Iterable[Edition], more: Iterable[str] = ()) -> Source:
        """What is read of a type for all that some definitions use."""
        every = list(editions)
        rtype = self.lake.type(every[0].of)
        conditions = [c for e in every for c in e.conditions]
        names = set(more).union(*(e.fields for e in every))
        if rtype.subject:
            names.add(rtype.subject)
        return source_of(rtype, conditions, names)

    # ------------------------------------------------------------ kinds of single records

    def _rows(self, job: Job, columns: Mapping[str, str]) -> tuple[pl.DataFrame, Job]:
        """The records of a job's base: unit, _day, _time, subject and the fields asked for, under their new names."""
        job = self.typed(job)
        edition = job.edition
        rtype = self.lake.type(edition.of)
        field, subject = edition.unit_field, edition.subject or rtype.subject or rtype.unit

        def build(prepared: Any) -> Any:
            import ibis

            from clearway.rules.compiled.nearby import counted

            rows = counted(prepared, edition.base, self.packs.ranks).table
            return rows.select(
                unit=ibis.literal(sums.NATION) if field == sums.NATION else rows[field],
                _day=rows["_day"], _time=rows["_time"],
                subject=rows[subject].cast("string") if subject else ibis.literal(""),
                **{new: rows[old] for old, new in columns.items()},
            )  # fmt: skip

        what = f"rows {edition.base!r} {field} {subject} {columns!r}"
        bare = replace(edition, match=None, adds=None, takes=None)
        want = replace(self.want(replace(job, edition=bare), what), single=True)
        rows = self.daily.rows(want, lambda first, last: self.bench.ask(what, want.source, first, last, build))
        return rows.drop_nulls("unit"), job

    def traced(self, job: Job, only_unit: str | None, keys: Sequence[str]) -> pl.DataFrame:
        """The records of a job's base: ``keys``, as_asked (whether they match), batch and row they came in."""

        def build(prepared: Any) -> Any:
            from clearway.rules.compiled.nearby import counted, looked_up
            from clearway.rules.compiled.terms import holds

            edition, ranks = job.edition, self.packs.ranks
            known = looked_up(counted(prepared, edition.base, ranks), related_in(edition.match), ranks)
            rows = known.table
            if only_unit is not None:
                rows = rows.filter(rows[edition.unit_field] == only_unit)
            as_asked = holds(edition.match, rows, ranks, known.related)
            return rows.select(*keys, as_asked=as_asked, batch=rows["_batch"], row=rows["_row"]).order_by(keys)

        source = self.source([job.edition], {*self.lake.type(job.edition.of).key, "_batch", "_row"})
        return self.bench.ask(("traced", job.edition, only_unit, keys), source, job.first, job.last, build)

    def _spread(self, job: Job) -> kinds.Spread:
        first, last = self.stretch(job.measure.id)
        seasons = self.season_of(job.edition)
        return lambda rows: sums.in_periods(rows.lazy(), job.edition, first, last, seasons).collect()

    def single(self, job: Job) -> pl.DataFrame:
        """Values of a job of one of the kinds that need single records, clocks apart."""
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

            def build(tables: Any) -> Any:
                from clearway.rules.compiled.terms import filtered

                return filtered(tables.table("_asked"), tree, self.packs.ranks)

            rows = self.bench.ask_frames(("held", tree), build, _asked=rows)
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

    def clocks(self, job: Job) -> pl.DataFrame:
        """Each clock of a job with what has passed."""
        clock = job.edition.clock
        assert clock is not None
        columns = {clock.start: "_start"}
        if not clock.stop_type:
            columns[clock.stop] = "_stop"
        if clock.pause:
            columns |= {clock.pause[0]: "_pause", clock.pause[1]: "_resume"}
        if clock.start != self.lake.type(job.edition.of).time:
            job = replace(job, first=job.first - _LONG)  # a record may lie long before its clock starts
        rows, job = self._rows(job, columns)
        if clock.stop_type:
            rows = rows.join(self._stops(job), on="subject", how="left")
        absent = [
            pl.lit(None, dtype=pl.Datetime("us")).alias(c) for c in ("_pause", "_resume") if c not in rows.columns
        ]
        moments = ("_start", "_stop", "_pause", "_resume")
        rows = rows.with_columns(absent).with_columns(pl.col(moments).cast(pl.Datetime("us")))
        spread = self._spread(job)(rows.with_columns(_day=pl.col("_start").dt.date()).drop_nulls("_day"))
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

        def build(prepared: Any) -> Any:
            from clearway.rules.compiled.nearby import counted

            table = counted(prepared, where, self.packs.ranks).table
            return table.group_by(subject=table[clock.stop_on].cast("string")).aggregate(_stop=table[clock.stop].min())

        source = source_of(rtype, [where], {clock.stop, clock.stop_on})
        # what stops a clock may lie before its start, such as a filing before the opening
        first = job.first - _LONG if rtype.by_day else date(1900, 1, 1)
        return self.bench.ask(("stops", clock, where), source, first, FAR.date() - _DAY, build)

    def want(self, job: Job, what: str) -> Want:
        """The days of a job's records, of which ``what`` is asked."""
        return Want(what, self.source([job.edition]), job.first, job.last)

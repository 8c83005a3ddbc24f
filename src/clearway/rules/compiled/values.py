"""Values of measures, compiled: one pass over each record type for all sums, further queries for the other kinds.

In:     a lake, packs, the window evaluated
Out:    Figures
Not:    states (judging.py), who reported (reports.py), who a rule holds for (scopes.py)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any, Self

import polars as pl

from clearway.records import Lake
from clearway.rules.compiled import kinds, sums
from clearway.rules.compiled.bench import Source, source_of
from clearway.rules.compiled.daily import Want
from clearway.rules.compiled.reports import Reports
from clearway.rules.compiled.scopes import Stretch
from clearway.rules.conditions import Condition, related_in
from clearway.rules.declared import Edition, Measure, Packs
from clearway.rules.figures import Figures, Job, Window, no_values
from clearway.rules.periods import earlier, period_of, periods
from clearway.rules.resolving import Names
from clearway.rules.surroundings import FAR

_DAY = timedelta(days=1)
KEYS = kinds.KEYS


class Compiled(Reports):
    """The engine of records at work on one window; what it found is kept for the next one when it is left.

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
        self._bases: dict[str, list[Condition | None]] = {}
        self._there: dict[tuple[str, date, date], tuple[Any, ...]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.bench.close()

    # ------------------------------------------------------------ figures

    def figures(self, wanted: Iterable[str], told: Callable[[int, int], None] = lambda done, of: None) -> Figures:
        """Values of some measures, and of those they are formed of; ``told`` how many are done, and of how many."""
        jobs = [job for name in self._with_parts(wanted) for job in self._jobs(self.packs.measures[name])]
        summed = self._sums([j for j in jobs if sums.summed(j.edition)], lambda done: told(done, len(jobs)))
        done = len(summed)
        plain: dict[str, list[pl.DataFrame]] = {}
        values: dict[str, list[pl.DataFrame]] = {}
        clocks: dict[str, list[pl.DataFrame]] = {}
        for job in jobs:
            edition, name = job.edition, job.measure.id
            if job not in summed:
                done += 1
                told(done, len(jobs))
            if edition.kind == "duration":
                clocks.setdefault(name, []).append(self._clocks(job))
                continue
            if edition.value_of:
                above, below = (pl.concat(plain.get(n, [no_values()])) for n in (edition.value_of, edition.over_of))
                found = kinds.ratio_of_values(above, below, edition)
            else:
                found = summed[job] if job in summed else self._single(job)
            found = found.filter(pl.col("first").is_between(edition.first, edition.last))
            plain.setdefault(name, []).append(found)
            if edition.change:
                found = self._changed(found, edition)
            if edition.expected is not None:
                found = self.with_reports(found, job)
            values.setdefault(name, []).append(found)
        return Figures(
            {name: pl.concat(parts) for name, parts in values.items()},
            {name: pl.concat(parts) for name, parts in clocks.items()},
        )

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
            if edition.period != "season" and next(periods(edition.period, first, last), None) is None:
                continue  # no whole period to judge
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

    def _sums(self, jobs: list[Job], told: Callable[[int], None]) -> dict[Job, pl.DataFrame]:
        """Values of the jobs that are sums over records: those of one type in one pass over it."""
        found: dict[Job, pl.LazyFrame] = {}
        together: dict[tuple[str, int], list[Job]] = {}
        for n, job in enumerate(jobs):
            # related records are looked for in a pass of their own, for the records that count only
            alone = n if sums.looks_around(job.edition) else -1
            together.setdefault((job.edition.of, alone), []).append(job)
        typed = {key: [self.typed(job) for job in asked] for key, asked in together.items()}
        for (name, alone), mine in typed.items():
            if alone >= 0 and not any(True for _ in related_in(mine[0].edition.base)):
                self._bases.setdefault(name, []).append(mine[0].edition.base)
        for (name, alone), asked in together.items():
            mine = typed[name, alone]
            wants = [self._want(j, f"parts {j.edition!r}") for j in mine]
            frames = self.daily.together(wants, partial(self._parts, mine))
            for job, frame in zip(asked, frames, strict=True):
                key = (name, job.edition.unit_field)
                begun, ended = self.reported_on.get(key, ((date.max, date.min), None))[0]
                if alone < 0 and (begun > job.first or ended < job.last):
                    self.reported_on[key] = ((job.first, job.last), frame.select("unit", "_day"))
                found[job] = self._values(frame, job)
            told(len(found))
        return dict(zip(found, pl.collect_all(found.values()), strict=True))

    def _want(self, job: Job, what: str) -> Want:
        return Want(what, self._source([job.edition]), job.first, job.last)

    def _parts(self, jobs: Sequence[Job], which: Sequence[int], first: date, last: date) -> list[pl.DataFrame]:
        """The daily parts of some jobs of one type, in one pass over it."""
        editions = [jobs[n].edition for n in which]
        around = sums.looks_around(editions[0])
        if around and not self._any(editions[0], first, last):
            return [sums.no_parts(editions[0])]

        def build(prepared: Any) -> Any:
            from clearway.rules.compiled import parts

            if around:
                return parts.daily_around(prepared, editions[0], self.packs.ranks)
            return parts.daily(prepared, editions, self.packs.ranks)

        frame = self.bench.ask(("parts", editions), self._source(editions), first, last, build)
        return sums.by_unit(frame, editions)

    def _any(self, edition: Edition, first: date, last: date) -> bool:
        """Whether there is a record of the base at all: only then it is worth to read those around it."""
        bases = self._bases.get(edition.of, [])
        if edition.base not in bases:
            return True  # it looks around itself
        key = (edition.of, first, last)
        if key not in self._there:

            def build(prepared: Any) -> Any:
                from clearway.rules.compiled.terms import holds

                table = prepared.table
                met = {str(n): holds(b, table, self.packs.ranks, {}).any() for n, b in enumerate(bases)}
                return table.aggregate(**met)

            source = source_of(self.lake.type(edition.of), bases, set())
            self._there[key] = self.bench.ask(("any", bases), source, first, last, build).row(0)
        return bool(self._there[key][bases.index(edition.base)])

    def _values(self, daily: pl.DataFrame, job: Job) -> pl.LazyFrame:
        """Values of periods from the daily parts of a job."""
        edition = job.edition
        first, last = self.stretch(job.measure.id)
        begins = job.first if edition.change else max(job.first, first)
        return sums.values_of(daily, edition, begins, last, self._season(edition))

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

    def _source(self, editions: Iterable[Edition], more: Iterable[str] = ()) -> Source:
        """What is read of a type for all that some definitions use."""
        conditions: list[Condition | None] = []
        names: set[str] = set(more)
        kind = ""
        for e in editions:
            kind = e.of
            conditions += [e.base, e.match, e.adds, e.takes]
            names |= {
                n
                for n in (e.unit_field, e.value, e.over, e.distinct, e.subject, e.start, e.end, e.sampled, e.ripe)
                if n
            }
            if e.clock is not None:
                names |= {e.clock.start, *(e.clock.pause or ())} | (set() if e.clock.stop_type else {e.clock.stop})
        rtype = self.lake.type(kind)
        names -= {sums.NATION, "day"}
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
        want = replace(self._want(replace(job, edition=bare), what), single=True)
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

        source = self._source([job.edition], {*self.lake.type(job.edition.of).key, "_batch", "_row"})
        return self.bench.ask(("traced", job.edition, only_unit, keys), source, job.first, job.last, build)

    def _spread(self, job: Job) -> kinds.Spread:
        first, last = self.stretch(job.measure.id)
        seasons = self._season(job.edition)
        return lambda rows: sums.in_periods(rows.lazy(), job.edition, first, last, seasons).collect()

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

            def build(tables: Any) -> Any:
                from clearway.rules.compiled.terms import boolean

                table = tables.table("_asked")
                return table.filter(boolean(tree, table, self.packs.ranks))

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
        return self.bench.ask(("stops", clock, where), source, job.first, FAR.date() - _DAY, build)

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

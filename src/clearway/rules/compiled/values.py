"""Values of measures, compiled: one pass over each record type for all sums, further queries for the other kinds.

In:     a lake, packs, the window evaluated
Out:    Figures
Not:    states (judging.py), single records (singles.py), who reported (reports.py), who a rule holds for (scopes.py)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any, Self

import polars as pl

from clearway.records import Lake
from clearway.rules.compiled import kinds, sums
from clearway.rules.compiled.bench import source_of
from clearway.rules.compiled.scopes import Stretch
from clearway.rules.compiled.singles import Singles
from clearway.rules.conditions import Condition, related_in
from clearway.rules.declared import Edition, Measure, Packs
from clearway.rules.figures import Figures, Job, Window, no_values
from clearway.rules.periods import earlier, period_of, periods

_DAY = timedelta(days=1)
KEYS = kinds.KEYS


class Compiled(Singles):
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
                clocks.setdefault(name, []).append(self.clocks(job))
                continue
            if edition.value_of:
                above, below = (pl.concat(plain.get(n, [no_values()])) for n in (edition.value_of, edition.over_of))
                found = kinds.ratio_of_values(above, below, edition)
            else:
                found = summed[job] if job in summed else self.single(job)
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
            wants = [self.want(j, f"parts {j.edition!r}") for j in mine]
            frames = self.daily.together(wants, partial(self._parts, mine))
            for job, frame in zip(asked, frames, strict=True):
                key = (name, job.edition.unit_field)
                begun, ended = self.reported_on.get(key, ((date.max, date.min), None))[0]
                if alone < 0 and (begun > job.first or ended < job.last):
                    self.reported_on[key] = ((job.first, job.last), frame.select("unit", "_day"))
                found[job] = self._values(frame, job)
            told(len(found))
        return dict(zip(found, pl.collect_all(found.values()), strict=True))

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

        frame = self.bench.ask(("parts", editions), self.source(editions), first, last, build)
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
        return sums.values_of(daily, edition, begins, last, self.season_of(edition))

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

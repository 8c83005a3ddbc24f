"""Rows by day: those kept from earlier evaluations where they still hold, the rest asked for.

In:     what is wanted of a type's records, day by day
Out:    its rows, of every day; new ones kept
Not:    where they are kept (keeping.py), what they are made of (bench.py)

Rows of a day hold as long as the files they were made of are there, of that day and of those in reach, and the
registers they were joined with: so a late record, a correction or a withdrawal marks the days it touches by being
in another file. Days with records that cannot be judged yet are not kept, since they change as time passes. Where
the detail of days has expired, the sums that were kept of them stand; single records are not kept of such types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from clearway.rules.compiled.bench import Bench, Source, digest
from clearway.rules.compiled.keeping import Held

# more rows of one query than this are faster read again than kept
_MOST = 3_000_000
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Want:
    """Rows of some days: ``what`` tells the query from others, ``single`` whether they are of single records."""

    what: str
    source: Source
    first: date
    last: date
    single: bool = False


Ask = Callable[[Sequence[int], date, date], Sequence[pl.DataFrame]]


class Daily:
    """Rows of days, of one evaluation."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def rows(self, want: Want, ask: Callable[[date, date], pl.DataFrame]) -> pl.DataFrame:
        """The rows of one want; ``ask`` gives those of days that nobody kept, with their ``_day``."""
        return self.together([want], lambda which, first, last: [ask(first, last)])[0]

    def together(self, wants: Sequence[Want], ask: Ask) -> list[pl.DataFrame]:
        """The rows of several wants of one type, which are asked for in one query.

        ``ask`` is given the numbers of the wants that lack days and a run of such days.
        """
        found: list[list[pl.LazyFrame]] = []
        lacking: list[set[date]] = []
        for want in wants:
            days = {want.first + n * _DAY for n in range((want.last - want.first).days + 1)}
            held = self._held(want)
            frames = self._bench.kept.rows(held)
            found.append(frames or [])
            lacking.append(days - set(held) if frames is not None else days)
        for first, last in runs(set().union(*lacking)):
            run = {first + n * _DAY for n in range((last - first).days + 1)}
            which = [n for n, days in enumerate(lacking) if days & run]
            for n, frame in zip(which, ask(which, first, last), strict=True):
                mine = lacking[n] & run
                rows = frame if mine == run else frame.filter(pl.col("_day").is_in(sorted(mine)))
                self._keep(wants[n], rows, mine)
                found[n].append(rows.lazy())
        return pl.collect_all([pl.concat(frames, how="vertical_relaxed") for frames in found])

    def _held(self, want: Want) -> dict[date, Held]:
        bench = self._bench
        there = bench.kept.held(_key(want, bench), want.first, want.last)
        oldest = bench.oldest(want.source.rtype.name)
        may_expire = want.source.rtype.name in bench.lake.settings.retention
        valid = {}
        for day, held in there.items():
            gone = 0
            if may_expire and oldest is not None:
                gone = max(0, (oldest - day).days + want.source.back)
            if gone > want.source.back or _alike(held.made_of, bench.made_of(want.source, day), gone):
                valid[day] = held
        return valid

    def _keep(self, want: Want, rows: pl.DataFrame, days: set[date]) -> None:
        bench = self._bench
        if not bench.kept.keeps_rows or len(rows) > _MOST:
            return
        if want.single and want.source.rtype.name in bench.lake.settings.retention:
            return  # detail goes with its records when they expire
        unsettled: set[date] = set()
        if "l" in rows.columns:  # records that cannot be judged yet
            unsettled = set(rows.filter(pl.col("l") > 0)["_day"].unique().to_list())
        made = {day: ",".join(bench.made_of(want.source, day)) for day in sorted(days - unsettled)}
        if made:
            kept = rows if len(made) == len(days) else rows.filter(pl.col("_day").is_in(list(made)))
            bench.kept.add_rows(_key(want, bench), kept, made)


def _key(want: Want, bench: Bench) -> str:
    return digest(repr((want.what, bench.said(want.source), bench.ranks, bench.origin)))


def _alike(held: str, now: Sequence[str], expired: int) -> bool:
    """Whether rows were made of what is there now, but for the first days in reach, which have expired."""
    before = held.split(",")
    return len(before) == len(now) and before[0] == now[0] and before[1 + expired :] == list(now[1 + expired :])


def runs(days: set[date]) -> list[tuple[date, date]]:
    """Days as unbroken runs, in order."""
    found: list[tuple[date, date]] = []
    for day in sorted(days):
        if found and found[-1][1] == day - _DAY:
            found[-1] = found[-1][0], day
        else:
            found.append((day, day))
    return found

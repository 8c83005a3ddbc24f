"""The engine of records at work for one evaluation: what its queries read, and their texts, kept for the next time.

In:     a lake, what queries read and how they are built where nobody has built them yet
Out:    rows of queries; a fingerprint of what a day's rows are made of
Not:    building queries (relations.py, parts.py), keeping a day's rows (daily.py)
Words:  source = a record type, the names used of it, and how far around the days judged records are read
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import xxhash

from clearway.records import Lake, RecordType, empty_frame
from clearway.rules.compiled.keeping import Keeping
from clearway.rules.compiled.texts import Texts, made_by
from clearway.rules.conditions import Condition, Related, fields_in, related_in
from clearway.rules.resolving import Ranks
from clearway.rules.surroundings import Surroundings
from clearway.scale import RecordEngine

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Source:
    """What a query reads: ``plain`` fields of the type, ``dotted`` names that go through registers.

    Records of the days judged are looked for, and ``back`` days before and ``ahead`` days after those that may be
    related to them.
    """

    rtype: RecordType
    plain: tuple[str, ...]
    dotted: tuple[str, ...]
    back: int
    ahead: int

    @property
    def registers(self) -> tuple[str, ...]:
        """Names of the tables around the records."""
        own = {n: "places" if self.rtype[n].kind == "place" else "units" for n in self.rtype.names}
        return tuple(sorted({own.get(n.split(".", 1)[0]) or register_of(n) for n in self.dotted}))


def register_of(name: str) -> str:
    """The table that a name such as ``zone.level`` or ``season.peak`` is looked up in."""
    head, tail = name.split(".", 1)
    return f"season_{tail}" if head == "season" else head


def source_of(rtype: RecordType, conditions: Iterable[Condition | None], names: Iterable[str]) -> Source:
    """What is read for some conditions and names."""
    given = [c for c in conditions if c is not None]
    related = [r for c in given for r in related_in(c)]
    used = set(names) | (set(rtype.key) if related else set()) | {f.name for c in given for f in fields_in(c)}
    used |= {rtype.time} | ({rtype.unit} if rtype.unit else set())
    heads = {n.split(".", 1)[0] for n in used}
    if "agreement" in heads:
        heads |= {"agreement_client", "facility"}
    plain = [*(n for n in rtype.names if n in heads), *(n for n in ("_batch", "_row") if n in used)]
    return Source(rtype, tuple(plain), tuple(sorted(n for n in used if "." in n)), *_reach(related))


def _reach(related: Sequence[Related]) -> tuple[int, int]:
    """How far before and after the days judged records are read, in whole days."""
    back = max((r.within for r in related if r.side in ("before", "around")), default=timedelta(0))
    ahead = max((r.within for r in related if r.side in ("after", "around")), default=timedelta(0))
    return -(-back // _DAY), -(-ahead // _DAY)


class Bench:
    """One engine for one evaluation.

    Attributes
    ----------
    kept
        Rows of days from earlier evaluations.
    """

    def __init__(self, lake: Lake, around: Surroundings, ranks: Ranks, origin: str | None, now: datetime) -> None:
        self.lake, self.around, self.ranks, self.origin, self.now = lake, around, ranks, origin, now
        self.engine = RecordEngine(memory="1500MB")
        self.kept = Keeping.of(lake)
        self._texts = Texts()
        self._ready: set[str] = set()
        self._files: dict[str, dict[date | None, dict[str, Path]]] = {}
        self._views: dict[str, tuple[date, date]] = {}
        self._types: dict[str, str] = {}
        self._digests: dict[tuple[str, date | None], str] = {}

    # ------------------------------------------------------------ queries

    def ask(self, what: object, source: Source, first: date, last: date, build: Callable[[Any], Any]) -> pl.DataFrame:
        """The rows of a query over the records of some days.

        Parameters
        ----------
        what
            All that the query depends on beside the source: two of the same ``what`` have the same text.
        build
            Makes the Ibis expression from this bench's prepared relation (relations.Prepared); not called where the
            text is known.
        """
        self._view(source.rtype, first - source.back * _DAY, last + source.ahead * _DAY)
        self.engine.moments(_first=first, _last=last, _now=self.now)
        for name in source.registers:
            self.register(name)

        def build_all() -> Any:
            from clearway.rules.compiled.relations import prepare

            return build(prepare(self.engine.ibis, source))

        return self._run((what, self.said(source)), build_all)

    def _view(self, rtype: RecordType, first: date, last: date) -> None:
        if self._views.get(rtype.name) != (first, last):
            where = self.lake.where(rtype.name, first, last, origin=self.origin)
            self.engine.view(f"_{rtype.name}", self.files(rtype, first, last), empty_frame(rtype), where)
            self._views[rtype.name] = first, last

    def said(self, source: Source) -> str:
        """All of a source as text: two of the same text read the same."""
        name = source.rtype.name
        if name not in self._types:
            self._types[name] = digest(repr((source.rtype, self.lake.types["unit"])))
        return f"{name} {self._types[name]} {source.plain} {source.dotted} {source.back} {source.ahead}"

    def ask_frames(
        self, what: object, build: Callable[[Any], Any], registers: Iterable[str] = (), **frames: pl.DataFrame
    ) -> pl.DataFrame:
        """The rows of a query over frames; ``build`` is given the Ibis backend."""
        for name in registers:
            self.register(name)
        for name, frame in frames.items():
            self.engine.frame(name, frame)
        shape = [(name, frame.schema) for name, frame in frames.items()]
        return self._run((what, shape), lambda: build(self.engine.ibis))

    def _run(self, what: object, build: Callable[[], Any]) -> pl.DataFrame:
        key = digest(repr((what, self.ranks)))
        text = self._texts[key]
        if text is None:
            text = self.engine.text(build())
            self._texts.add(key, text)
        return self.engine.rows(text)

    def register(self, name: str) -> None:
        """Make what registers say around records a table of the engine: units, places, zone, season_peak …"""
        if name not in self._ready:
            season = name.removeprefix("season_")
            frame = self.around.season(season) if season != name else getattr(self.around, name)
            self.engine.frame(f"_{name}", frame)
            self._ready.add(name)

    def close(self) -> None:
        """Keep what was found for the next evaluation."""
        self._texts.write()
        self.kept.write(self.now.date())

    # ------------------------------------------------------------ what there is

    def files(self, rtype: RecordType, first: date, last: date) -> list[Path]:
        """The files of a type's records of some days, as they were when this evaluation began."""
        by_day = self._by_day(rtype.name)
        return [f for day, files in by_day.items() for f in files.values() if day is None or first <= day <= last]

    def _by_day(self, name: str) -> dict[date | None, dict[str, Path]]:
        if name not in self._files:
            self._files[name] = self.lake.files_by_day(name)
        return self._files[name]

    def oldest(self, name: str) -> date | None:
        """The first day of a type that there are records of."""
        return min((d for d in self._by_day(name) if d is not None), default=None)

    def made_of(self, source: Source, day: date) -> tuple[str, ...]:
        """What the rows of one day are made of: digests of code and registers, then of each day's files in reach."""
        name, reach = source.rtype.name, range(-source.back, source.ahead + 1)
        days = [day + n * _DAY for n in reach]
        types = {t: None for r in source.registers for t in _MADE_OF.get(r.split("_")[0], (r,))}
        around = [self._digest(t, d) for t in types for d in ([None] if None in self._by_day(t) else days)]
        own = [self._digest(name, d) for d in ([None] if None in self._by_day(name) else days)]
        return digest("|".join([made_by(), *around])), *own

    def _digest(self, name: str, day: date | None) -> str:
        """Files of a type and day as their names say: those carry digests of what is in them."""
        if (name, day) not in self._digests:
            files = self._by_day(name).get(day)
            self._digests[name, day] = digest("|".join(files)) if files else ""
        return self._digests[name, day]


_MADE_OF = {
    "units": ("unit",), "places": (), "season": ("season", "unit"), "zone": ("zone", "unit"),
    "weather": ("weather", "unit"), "calendar": ("calendar", "unit"), "agreement": ("agreement",),
    "headcount": ("headcount",),
}  # fmt: skip


def digest(text: str) -> str:
    """Letters that tell texts apart."""
    return xxhash.xxh3_128_hexdigest(text.encode())

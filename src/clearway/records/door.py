"""A lake as its users meet it: open, take in, read, as of a time; its upkeep.

In:     a folder
Out:    Lake
Not:    how each of these is done (ingest.py, records.lake, completeness.py)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from clearway.core.errors import ClearwayError
from clearway.core.schema import nearest
from clearway.core.timegrid import parse_time
from clearway.records.declared import ORIGINS, RecordType, with_types
from clearway.records.lake import upkeep
from clearway.records.lake.journal import writing
from clearway.records.lake.layout import Layout, Settings
from clearway.records.lake.store import MARKS, Batch, empty_frame
from clearway.records.values import parse_day, record_days

if TYPE_CHECKING:
    import duckdb

    from clearway.records.completeness import Completeness
    from clearway.records.ingest import Report
    from clearway.records.lake.upkeep import Verified
    from clearway.scale import RecordEngine


class Lake:
    """Records of every source, by type and day.

    >>> lake = Lake.open("lake")                                    # doctest: +SKIP
    >>> lake.ingest(["returns.xlsx"]).accepted                      # doctest: +SKIP
    >>> lake.read("daily_volume", "2022-11-01", "2022-11-30")       # doctest: +SKIP
    """

    def __init__(self, layout: Layout, settings: Settings, known_by: datetime | None = None) -> None:
        self._layout = layout
        self._settings = settings
        self._known_by = known_by
        self._types: dict[str, RecordType] | None = None

    @staticmethod
    def open(folder: str | Path, create: bool = True) -> Lake:
        """Open a lake, making a new one where there is none.

        Raises
        ------
        ClearwayError
            If the folder holds something else, or ``create`` is false and there is none.
        """
        layout = Layout(Path(folder))
        if not layout.settings_file.exists():
            if not create:
                raise ClearwayError(f"{folder} is no lake. 'clearway ingest FILE --lake {folder}' makes one.")
            layout.create()
        return Lake(layout, layout.settings())

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self._layout.root

    @property
    def zone(self) -> ZoneInfo:
        """The zone its local times are in."""
        return ZoneInfo(self._settings.zone)

    @property
    def settings(self) -> Settings:
        """Retention and the like, from lake.json."""
        return self._settings

    @property
    def types(self) -> dict[str, RecordType]:
        """Record types: the contract's and those in the lake's ``types`` folder."""
        if self._types is None:
            self._types = with_types(sorted((self.folder / "types").glob("*.csv")))
        return self._types

    def type(self, name: str) -> RecordType:
        """A record type by name; an unknown one is an error with the nearest known name."""
        if name not in self.types:
            raise ClearwayError(f"{name!r} is not a record type; did you mean {nearest(name, self.types)}?")
        return self.types[name]

    def ingest(
        self,
        files: Iterable[str | Path],
        *,
        type: str | None = None,
        origin: str = "observed",
        received: datetime | None = None,
        told: Callable[[int], None] = lambda rows: None,
    ) -> Report:
        """Take in files: CSV (also .gz), Parquet, .xlsx, EPCIS 2.0 as JSON-LD or XML.

        Parameters
        ----------
        type
            The record type; without it, it is told by name or columns.
        origin
            ``observed``, ``simulated`` or ``generated``.
        received
            When they were received, local time in the lake's zone; ``None`` for now.
        told
            Called with a number of rows or events as they are done.

        Returns
        -------
        Report
            Everything accepted in it is on the disk. Faulty rows are listed, and written to a file to be mended.
        """
        from clearway.records.ingest import Report, require_type

        _one_of(origin)
        require_type(type, self.types)
        report = Report()
        with writing(self._layout):
            for file in files:
                self._ingest_one(Path(file), type, origin, received, report, told)
        return report

    def _ingest_one(
        self, path: Path, asked: str | None, origin: str, received: datetime | None, report: Report,
        told: Callable[[int], None],
    ) -> None:  # fmt: skip
        from clearway.records.ingest import Intake
        from clearway.records.inputs.opening import take_in

        moment = received or datetime.now(self.zone).replace(tzinfo=None)
        name = self._batch_name(moment)
        batch = Batch(name, moment, origin, path.name)
        intake = Intake(self._layout, self.types, batch, report, self.zone, told)
        try:
            take_in(intake, path, asked)
        finally:
            intake.finish()

    def _batch_name(self, moment: datetime) -> str:
        """A name that sorts by time of receipt and is not taken."""
        stem = f"{moment:%Y%m%dT%H%M%S%f}"
        taken = {p.stem for p in self._layout.batches.glob(f"{stem}-*.json")}
        taken |= {p.name[: len(stem) + 5] for p in self._layout.data.glob(f"**/{stem}-*.parquet")}
        return next(n for n in (f"{stem}-{i:04d}" for i in range(10_000)) if n not in taken)

    def as_of(self, time: str | datetime) -> Lake:
        """The same lake as it was known at a time: later records unseen, later corrections undone."""
        moment = parse_time(time, self.zone) if isinstance(time, str) else time
        return Lake(self._layout, self._settings, moment)

    def where(
        self, type: str, start: date | str | None = None, end: date | str | None = None, *, origin: str | None = None
    ) -> str:
        """What :meth:`read` gives of a type's files, as SQL."""
        rtype = self.type(type)
        if self._known_by is None:
            seen = "_until IS NULL"
        else:
            seen = (
                f"_known <= TIMESTAMP '{self._known_by}' AND (_until IS NULL OR _until > TIMESTAMP '{self._known_by}')"
            )
        parts = [seen, _within(rtype, parse_day(start), parse_day(end))]
        return " AND ".join(parts if origin is None else [*parts, f"_origin = '{_one_of(origin)}'"])

    def files(self, type: str, start: date | str | None = None, end: date | str | None = None) -> list[Path]:
        """The Parquet files that hold a type's records of some days (both included)."""
        self.type(type)
        return self._layout.current(type, parse_day(start), parse_day(end))

    def files_by_day(self, type: str) -> dict[date | None, dict[str, Path]]:
        """The Parquet files of a type under the day whose records they hold, of registers under ``None``.

        They go by names that end with a digest of what is in them.
        """
        self.type(type)
        return self._layout.by_day(type)

    @property
    def seen_as_of(self) -> datetime | None:
        """The time it is seen as of; ``None`` for now."""
        return self._known_by

    def relation(
        self, type: str, start: date | str | None = None, end: date | str | None = None, *, origin: str | None = None
    ) -> duckdb.DuckDBPyRelation:
        """Records as a DuckDB relation, read in place; declared fields and the marks (``_known``, ``_batch`` …)."""
        from clearway.scale import RecordEngine

        rtype = self.type(type)
        relation = RecordEngine().relation(self.files(type, start, end), empty_frame(rtype))
        return relation.filter(self.where(type, start, end, origin=origin))

    def table(
        self,
        type: str,
        start: date | str | None = None,
        end: date | str | None = None,
        *,
        origin: str | None = None,
        engine: RecordEngine | None = None,
        name: str | None = None,
    ) -> Any:
        """Records as an Ibis table, read in place by DuckDB; several of one ``engine`` may be joined."""
        from clearway.scale import RecordEngine

        rtype = self.type(type)
        where = self.where(type, start, end, origin=origin)
        made = engine or RecordEngine()
        return made.table(name or type, self.files(type, start, end), empty_frame(rtype), where)

    def read(
        self,
        type: str,
        start: date | str | None = None,
        end: date | str | None = None,
        *,
        origin: str | None = None,
        marks: bool = False,
    ) -> pl.DataFrame:
        """Records of a type whose time of record is on the days ``start`` to ``end``, both included.

        Returns
        -------
        pl.DataFrame
            The declared fields in order; with ``marks`` also ``_known``, ``_until``, ``_batch``, ``_row``,
            ``_origin``. Ordered by key. Of registers all rows whose time begins by ``end``.
        """
        rtype = self.type(type)
        frames = [pl.scan_parquet(f, hive_partitioning=False) for f in self.files(type, start, end)]
        if not frames:
            frame = empty_frame(rtype)
        else:
            lazy = pl.concat(frames, how="vertical_relaxed")
            lazy = lazy.filter(self.seen())
            if origin is not None:
                lazy = lazy.filter(pl.col("_origin") == _one_of(origin))
            frame = lazy.collect()
        frame = _between(frame, rtype, parse_day(start), parse_day(end))
        return frame.select([*rtype.names, *(MARKS if marks else ())]).sort(rtype.key, maintain_order=True)

    def known(self) -> pl.Expr:
        """Which versions had become known, superseded ones too."""
        return (
            pl.lit(True)
            if self._known_by is None
            else pl.col("_known") <= pl.lit(self._known_by, dtype=pl.Datetime("us"))
        )

    def seen(self) -> pl.Expr:
        """Which versions are current."""
        if self._known_by is None:
            return pl.col("_until").is_null()
        moment = pl.lit(self._known_by, dtype=pl.Datetime("us"))
        return (pl.col("_known") <= moment) & (pl.col("_until").is_null() | (pl.col("_until") > moment))

    def history(self, type: str) -> pl.DataFrame:
        """Every version of every record of a type, superseded ones too, with the marks."""
        rtype = self.type(type)
        frames = [pl.read_parquet(f, hive_partitioning=False) for f in self.files(type)]
        frame = pl.concat(frames, how="vertical_relaxed") if frames else empty_frame(rtype)
        return frame.sort([*rtype.key, "_known", "_batch", "_row"])

    def origins(self, start: date | str | None = None, end: date | str | None = None) -> set[str]:
        """Which origins the registers and the records of some days have; an evaluation reads one."""
        found: set[str] = set()
        for kind in self._layout.kinds():
            files = self._layout.current(kind, parse_day(start), parse_day(end))
            if files:
                rows = pl.scan_parquet(files, hive_partitioning=False).select(pl.col("_origin").unique())
                found |= set(rows.collect()["_origin"])
        return found

    def last_day(self, by: date) -> date | None:
        """The last day, not after another, that there are records of, registers apart."""
        found = (self._layout.last_day(kind, by) for kind in self._layout.kinds())
        return max((d for d in found if d is not None), default=None)

    def compact(self, told: Callable[[int], None] = lambda files: None) -> dict[str, int]:
        """Put the files of each type and day together; returns files before and after."""
        with writing(self._layout):
            return upkeep.compact(self._layout, self.types, told)

    def expire(self, today: date | None = None) -> dict[str, int]:
        """Remove detail that is past its retention, keeping daily values; returns records removed by type."""
        day = today or datetime.now(self.zone).date()
        with writing(self._layout):
            return upkeep.expire(self._layout, self.types, self._settings.retention, day)

    def verify(self) -> Verified:
        """Look at every file: its digest, its columns, one current version for each key, keys and receipts."""
        with writing(self._layout):
            return upkeep.verify(self._layout, self.types)

    def status(
        self, start: date | str | None = None, end: date | str | None = None, *, at: datetime | None = None
    ) -> Completeness:
        """What was expected of whom, and what came: received, late, silent, nil."""
        from clearway.records.completeness import completeness

        moment = at or self._known_by or datetime.now(self.zone).replace(tzinfo=None)
        last = parse_day(end) or moment.date() - timedelta(days=1)
        first = parse_day(start) or last - timedelta(days=6)
        return completeness(self, first, last, moment)


def _one_of(origin: str) -> str:
    if origin not in ORIGINS:
        raise ClearwayError(f"origin {origin!r} must be one of {', '.join(ORIGINS)}.")
    return origin


def _within(rtype: RecordType, first: date | None, last: date | None) -> str:
    """The same bound as :func:`_between`, as SQL."""
    kind = rtype[rtype.time].kind
    time = {"month": f"CAST(\"{rtype.time}\" || '-01' AS DATE)", "year": f'make_date("{rtype.time}", 1, 1)'}.get(
        kind, f'CAST("{rtype.time}" AS DATE)'
    )
    parts = []
    if first is not None and rtype.by_day:
        parts.append(f"{time} >= DATE '{first}'")
    if last is not None:
        parts.append(f"{time} <= DATE '{last}'")
    return " AND ".join(parts) or "true"


def _between(frame: pl.DataFrame, rtype: RecordType, first: date | None, last: date | None) -> pl.DataFrame:
    first = first if rtype.by_day else None
    if first is None and last is None:
        return frame
    day = record_days(frame, rtype)
    keep = day.is_not_null()
    if first is not None:
        keep = keep & (day >= first)
    if last is not None:
        keep = keep & (day <= last)
    return frame.filter(keep)

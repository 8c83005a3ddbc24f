"""Tables made ready to be kept: freed of what is about people, split into records and nil returns, checked.

In:     RawTables
Out:    Prepared: typed rows of one type, what came in beside them, what is wrong with them
Not:    the lake; the columns of a table (columns.py); single cells (values.py)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clearway.core.errors import Faults
from clearway.core.raw import RawTable
from clearway.core.tables import FALSE, TRUE
from clearway.records.declared import RecordType
from clearway.records.inputs.columns import Matched, column_faults, detect_type, match_columns, without
from clearway.records.privacy import masked_column, pseudonyms
from clearway.records.sheet import Sheet
from clearway.records.texts import plain_text, trimmed
from clearway.records.values import parse_moments, read_values

_PART_ROWS = 250_000
_PART_BYTES = 64 << 20
_T = TypeVar("_T")
_NIL = TRUE | {"零报告", "nil"}


@dataclass
class Prepared:
    """Rows of one type: typed, with ``_stated``, ``_withdrawn``, ``_row``; ``raw`` as they came."""

    rtype: RecordType
    typed: pl.DataFrame
    raw: pl.DataFrame
    sheet: Sheet
    before: Sheet | None = None
    hashes: tuple[NDArray[np.uint64], NDArray[np.uint64]] | None = None

    def tell(self, faults: Faults) -> None:
        """Hand what was found to the faults of the file."""
        for sheet in (self.before, self.sheet):
            if sheet is not None:
                sheet.tell(faults)


@dataclass
class Preparer:
    """How the tables of one batch are made ready."""

    types: Mapping[str, RecordType]
    zone: ZoneInfo
    origin: str
    received: datetime
    pseudonym_key: Callable[[], bytes]

    def read(self, table: RawTable, asked: str | None, faults: Faults) -> Iterator[tuple[int, list[Prepared]]]:
        """The parts of a table: rows in each, and what is in it; nothing where its columns are wrong."""
        hint = table.file.rsplit(":", 1)[-1].split(".")[0]
        rtype: RecordType | None = None
        matched: Matched | None = None
        first_row = 2
        for frame in _parts(table, faults):
            if rtype is None or matched is None:
                if not frame.width:
                    return
                rtype = self.types[asked] if asked else detect_type(frame.columns, self.types, hint, table.file, faults)
                if rtype is None:
                    return
                matched = match_columns(frame.columns, rtype)
                if column_faults(matched, rtype, table.file, faults):
                    return
            yield len(frame), self.prepare(frame, rtype, matched, table.file, first_row)
            first_row += len(frame)

    def prepare(
        self, frame: pl.DataFrame, rtype: RecordType, matched: Matched, file: str, first_row: int
    ) -> list[Prepared]:
        """One part made ready."""
        raw = without(frame, matched)
        free = [c for c, name in matched.fields.items() if name in rtype.free_text() and raw.schema[c] == pl.String]
        free += [c for c in matched.envelope if c in raw.columns and raw.schema[c] == pl.String]
        raw = raw.with_columns(masked_column(raw[c]) for c in free)
        named = frame.select(list(matched.fields)).rename(matched.fields)
        named = named.with_columns(trimmed(named[c]) for c in named.columns)
        marks = {name: plain_text(trimmed(frame[column])) for column, name in matched.envelope.items()}
        rows = pl.int_range(first_row, first_row + len(frame), eager=True)
        blank = _blank(named, marks)
        if blank.any():
            keep = ~blank
            named, raw, rows = named.filter(keep), raw.filter(keep), rows.filter(keep)
            marks = {name: cells.filter(keep) for name, cells in marks.items()}
        sheet = Sheet(file, rows)
        stated = self._marks(marks, sheet, named, rtype)
        nil = self._nil(marks, sheet, rtype)
        if nil is None or not nil.any():
            return [self.checked(named, raw, stated, rtype, sheet)]
        quiet, keep = sheet.part(nil), ~nil
        empty = self._nil_returns(named.filter(nil), rtype)
        first = self.checked(empty, raw.filter(nil), stated.filter(nil), self.types["nil_return"], quiet)
        rest = sheet.part(keep)
        second = self.checked(named.filter(keep), raw.filter(keep), stated.filter(keep), rtype, rest)
        second.before = sheet
        return [first, second]

    def checked(
        self, named: pl.DataFrame, raw: pl.DataFrame, stated: pl.Series, rtype: RecordType, sheet: Sheet
    ) -> Prepared:
        """Rows of one type, typed."""
        now = self.received if self.origin == "observed" else None
        typed = read_values(named, rtype, sheet, now=now, zone=self.zone)
        persons = [f.name for f in rtype.fields if f.kind == "person"]
        if persons:
            key = self.pseudonym_key()
            typed = typed.with_columns(pseudonyms(typed[name], key) for name in persons)
            columns = {c: name for c, name in match_columns(raw.columns, rtype).fields.items() if name in persons}
            raw = raw.with_columns(typed[name].alias(c) for c, name in columns.items())
        typed = typed.with_columns(_stated=stated, _withdrawn=pl.lit(False), _row=sheet.numbers)
        return Prepared(rtype, typed, raw, sheet)

    def _marks(self, marks: Mapping[str, pl.Series], sheet: Sheet, named: pl.DataFrame, rtype: RecordType) -> pl.Series:
        """What stands around the fields: checked; returns when each record became known, as it says."""
        if "merged" in marks:
            sheet.bad(marks["merged"].is_not_null(), "merged_cells", None)
        if "origin" in marks:
            other = (marks["origin"] != self.origin).fill_null(False)
            sheet.bad(other, "origin_differs", "origin_of_batch", marks["origin"], origin=self.origin)
        cells = named["known_from"] if "known_from" in named.columns else marks.get("known_from")
        if cells is None:
            return pl.Series([None] * len(named), dtype=pl.Datetime("us"))
        if isinstance(cells.dtype, pl.Datetime) or cells.dtype == pl.Date:
            return cells.cast(pl.Datetime("us"))
        text = plain_text(cells)
        value = parse_moments(text, self.zone)
        if "known_from" not in rtype.names:
            sheet.bad(text.is_not_null() & value.is_null(), "not_time", "known_from", text)
        return value

    def _nil(self, marks: Mapping[str, pl.Series], sheet: Sheet, rtype: RecordType) -> pl.Series | None:
        if "nil" not in marks or rtype.family != "return":
            return None
        text = marks["nil"].str.to_lowercase()
        yes = text.is_in(list(_NIL)).fill_null(False)
        sheet.bad(text.is_not_null() & ~yes & ~text.is_in(list(FALSE)), "not_bool", "nil", text)
        return yes

    def _nil_returns(self, named: pl.DataFrame, rtype: RecordType) -> pl.DataFrame:
        """Rows that say there was nothing to report, as records of their own type."""
        none = pl.Series([None] * len(named), dtype=pl.String)
        time = named[rtype.time] if rtype.time in named.columns else none
        if rtype[rtype.time].kind == "timestamp":
            moments = parse_moments(plain_text(time), self.zone)
            time = moments.dt.date() if moments.null_count() == time.null_count() else time
        elif rtype[rtype.time].kind == "month":
            time = plain_text(time) + "-01"
        unit = named[rtype.unit] if rtype.unit in named.columns else none
        return pl.DataFrame({"type": pl.repeat(rtype.name, len(named), eager=True), "unit": unit, "day": time})


def _blank(named: pl.DataFrame, marks: Mapping[str, pl.Series]) -> pl.Series:
    """Rows in which nothing is filled in."""
    blank = pl.repeat(True, len(named), dtype=pl.Boolean, eager=True)
    for cells in [*named.iter_columns(), *marks.values()]:
        blank = blank & cells.is_null()
        if not blank.any():
            break
    return blank


def _parts(table: RawTable, faults: Faults) -> Iterator[pl.DataFrame]:
    """Batches of a table put together to parts worth a commit."""
    gathered: list[pl.DataFrame] = []
    rows = size = 0
    for frame in table.batches(faults):
        gathered.append(frame)
        rows, size = rows + len(frame), size + int(frame.estimated_size())
        if rows >= _PART_ROWS or size >= _PART_BYTES:
            yield _together(gathered)
            gathered, rows, size = [], 0, 0
    if gathered:
        yield _together(gathered)


def _together(frames: list[pl.DataFrame]) -> pl.DataFrame:
    return frames[0] if len(frames) == 1 else pl.concat(frames, how="vertical_relaxed", rechunk=True)


def ahead(items: Iterator[_T]) -> Iterator[_T]:
    """The same items, the next one being made in a thread while one is worked on."""
    end: Any = object()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(next, items, end)
        while (item := waiting.result()) is not end:
            waiting = pool.submit(next, items, end)
            yield item

"""Files into a lake: opened, freed of what is about people, checked, kept; and a receipt.

In:     paths; a lake
Out:    Report: how many were accepted, repeated, refused, superseded, and every fault
Not:    how files are opened (inputs, epcis), how cells are read (values.py), how records are kept (lake.store)
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from clearway.core.errors import Fault, Faults
from clearway.core.raw import RawTable
from clearway.core.schema import nearest
from clearway.records.declared import RecordType
from clearway.records.inputs.columns import Matched, column_faults, detect_type, match_columns, without
from clearway.records.inputs.rejected import Rejected, rejected_for
from clearway.records.lake.journal import Commit
from clearway.records.lake.layout import Layout
from clearway.records.lake.store import Batch, Stored, store
from clearway.records.privacy import masked_column, pseudonym_key, pseudonyms
from clearway.records.values import Sheet, parse_moments, plain_text, read_values

ORIGINS = ("observed", "simulated", "generated")
_PART_ROWS = 600_000
_PART_BYTES = 160 << 20


@dataclass
class Report:
    """What became of some input. A row or an event is counted once: accepted, repeated or refused."""

    accepted: int = 0
    repeated: int = 0
    refused: int = 0
    superseded: int = 0
    faults: list[Fault] = field(default_factory=list)
    total_faults: int = 0
    warnings: list[Fault] = field(default_factory=list)
    rejected: list[Path] = field(default_factory=list)
    types: dict[str, Counter[str]] = field(default_factory=dict)
    records: dict[str, int] = field(default_factory=dict)
    batches: list[str] = field(default_factory=list)

    def count(self, kind: str, **numbers: int) -> None:
        """Add to the figures of a type and to the sums."""
        per = self.types.setdefault(kind, Counter())
        for name, number in numbers.items():
            per[name] += number
            setattr(self, name, getattr(self, name) + number)

    def take(self, faults: Faults) -> None:
        """Take in what was found wrong with one file."""
        self.faults += faults.faults
        self.total_faults += faults.total
        self.warnings += faults.warnings

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "accepted": self.accepted,
            "repeated": self.repeated,
            "refused": self.refused,
            "superseded": self.superseded,
            "faults": [f.to_dict() for f in self.faults],
            "faults_in_all": self.total_faults,
            "warnings": [f.to_dict() for f in self.warnings],
            "rejected": [str(p) for p in self.rejected],
            "types": {name: dict(counts) for name, counts in self.types.items()},
            "batches": self.batches,
        }


@dataclass
class Intake:
    """One file on its way into a lake."""

    layout: Layout
    types: Mapping[str, RecordType]
    batch: Batch
    report: Report
    zone: ZoneInfo
    told: Callable[[int], None]
    faults: Faults = field(default_factory=Faults)
    part: int = 0
    only: Report = field(default_factory=Report)

    def tables(self, tables: Iterator[RawTable], asked: str | None) -> None:
        """Read tables of one type each, part by part."""
        for table in tables:
            hint = asked or table.file.rsplit(":", 1)[-1].split(".")[0]
            rtype: RecordType | None = None
            matched: Matched | None = None
            rejected: Rejected | None = None
            first_row = 2
            ragged = _ragged(self.faults)
            for frame in _parts(table, self.faults):
                if matched is None:
                    if not frame.width:
                        break
                    rtype = (
                        self.types[asked]
                        if asked
                        else detect_type(frame.columns, self.types, hint, table.file, self.faults)
                    )
                    if rtype is None:
                        break
                    matched = match_columns(frame.columns, rtype)
                    if column_faults(matched, rtype, table.file, self.faults):
                        rtype = None
                        break
                    rejected = rejected_for(self.layout.rejected, self.batch.name, table.file)
                assert rtype is not None and rejected is not None
                self._table_part(frame, rtype, matched, rejected, table.file, first_row)
                first_row += len(frame)
                self.told(len(frame))
            if matched is None or rtype is None:  # nothing of it could be read
                self.count_unread(table)
            if rejected is not None:
                self.only.rejected += rejected.close()
                self.only.count("", refused=_ragged(self.faults) - ragged)

    def count_unread(self, table: RawTable) -> None:
        """Rows of a table whose columns are wrong are refused, all of them."""
        if any(f.file == table.file for f in self.faults):
            quiet = Faults()
            rows = sum(len(frame) for frame in table.batches(quiet))
            self.only.count("", refused=rows)

    def _table_part(
        self, frame: pl.DataFrame, rtype: RecordType, matched: Matched, rejected: Rejected, file: str, first_row: int
    ) -> None:
        raw = without(frame, matched)
        raw = raw.with_columns(
            masked_column(raw[c]) for c, name in matched.fields.items()
            if raw.schema[c] == pl.String and rtype[name].kind == "text" and not rtype[name].key
        )  # fmt: skip
        named = frame.select(list(matched.fields)).rename(matched.fields)
        named = named.with_columns(
            named[c].set(named[c].str.strip_chars() == "", None) for c in named.columns if named.schema[c] == pl.String
        )
        marks = {name: frame[column] for column, name in matched.envelope.items()}
        blank = _blank(named, marks)
        if blank.any():
            keep = ~blank
            rows = pl.int_range(first_row, first_row + len(frame), eager=True).filter(keep)
            named, raw = named.filter(keep), raw.filter(keep)
            marks = {name: cells.filter(keep) for name, cells in marks.items()}
        else:
            rows = pl.int_range(first_row, first_row + len(frame), eager=True)
        sheet = NumberedSheet(file, rows, self.faults)
        if "merged" in marks:
            sheet.bad(marks["merged"].is_not_null(), "merged_cells", None)
        stated = self._stated(marks, sheet, named, rtype)
        nil = self._nil(marks, sheet, rtype)
        if nil is not None and nil.any():
            other = sheet.part(nil)
            self._nil_returns(named.filter(nil), raw.filter(nil), stated.filter(nil), rtype, other, rejected)
            keep = ~nil
            named, raw, stated, rows = named.filter(keep), raw.filter(keep), stated.filter(keep), rows.filter(keep)
            sheet = sheet.part(keep)
        self.records(named, raw, stated, rows, rtype, sheet, rejected)

    def records(
        self,
        named: pl.DataFrame,
        raw: pl.DataFrame,
        stated: pl.Series,
        rows: pl.Series,
        rtype: RecordType,
        sheet: Sheet,
        rejected: Rejected,
    ) -> None:
        """Check and keep rows of one type."""
        if not len(named):
            return
        now = self.batch.received if self.batch.origin == "observed" else None
        typed = read_values(named, rtype, sheet, now=now, zone=self.zone)
        typed = self._persons(typed, rtype)
        bad = sheet.at_fault
        typed = typed.with_columns(_stated=stated, _withdrawn=pl.lit(False), _row=rows)
        good = ~bad
        kept, came = (typed.filter(good), raw.filter(good)) if bad.any() else (typed, raw)
        stored = self.keep(rtype, kept, came)
        positions = good.arg_true()
        self.only.count(
            rtype.name,
            accepted=len(stored.accepted),
            repeated=len(stored.repeated),
            superseded=len(stored.superseded),
        )
        for code, at in stored.conflicts.items():
            mask = pl.repeat(False, len(typed), dtype=pl.Boolean, eager=True)
            mask = mask.scatter(positions.gather(at), True)
            sheet.bad(mask, code, rtype.key[0], typed[rtype.key[0]])
        bad = sheet.at_fault
        rejected.add(raw.filter(bad), sheet.reason().filter(bad))
        self.only.count(rtype.name, refused=int(bad.sum()))

    def keep(self, rtype: RecordType, kept: pl.DataFrame, came: pl.DataFrame | None) -> Stored:
        """Into the lake."""
        self.part += 1
        return store(self.layout, rtype, kept, came, self.batch, self.part)

    def _persons(self, typed: pl.DataFrame, rtype: RecordType) -> pl.DataFrame:
        persons = [f.name for f in rtype.fields if f.kind == "person"]
        if not persons:
            return typed
        key = pseudonym_key(self.layout.root)
        return typed.with_columns(pseudonyms(typed[name], key) for name in persons)

    def _stated(
        self, marks: Mapping[str, pl.Series], sheet: Sheet, named: pl.DataFrame, rtype: RecordType
    ) -> pl.Series:
        """When each record became known, as it says."""
        none = pl.Series([None] * len(named), dtype=pl.Datetime("us"))
        cells = marks.get("known_from", named["known_from"] if "known_from" in named.columns else None)
        if "origin" in marks:
            origin = plain_text(marks["origin"])
            other = (origin != self.batch.origin).fill_null(False)
            sheet.bad(other, "origin_differs", "origin_of_batch", origin, origin=self.batch.origin)
        if cells is None:
            return none
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
        text = plain_text(marks["nil"]).str.to_lowercase()
        yes = text.is_in(["yes", "true", "1", "是", "y", "零报告", "nil"]).fill_null(False)
        sheet.bad(text.is_not_null() & ~yes & ~text.is_in(["no", "false", "0", "否", "n"]), "not_bool", "nil", text)
        return yes

    def _nil_returns(
        self,
        named: pl.DataFrame,
        raw: pl.DataFrame,
        stated: pl.Series,
        rtype: RecordType,
        sheet: NumberedSheet,
        rejected: Rejected,
    ) -> None:
        """Rows that say there was nothing to report: records of their own type."""
        nil = self.types["nil_return"]
        time = named[rtype.time] if rtype.time in named.columns else pl.Series([None] * len(named), dtype=pl.String)
        if rtype[rtype.time].kind == "timestamp":
            moments = parse_moments(plain_text(time), self.zone)
            time = moments.dt.date() if moments.null_count() == time.null_count() else time
        elif rtype[rtype.time].kind == "month":
            time = plain_text(time) + "-01"
        unit = named[rtype.unit] if rtype.unit in named.columns else pl.Series([None] * len(named), dtype=pl.String)
        returns = pl.DataFrame({"type": pl.repeat(rtype.name, len(named), eager=True), "unit": unit, "day": time})
        self.records(returns, raw, stated, sheet.numbers, nil, sheet, rejected)

    def finish(self) -> None:
        """Write the receipt and add this file's figures to the report."""
        self.only.take(self.faults)
        figures = {name: dict(counts) for name, counts in self.only.types.items() if name}
        if self.only.accepted or self.only.refused:
            receipt = {
                "batch": self.batch.name, "file": self.batch.file, "origin": self.batch.origin,
                "received": self.batch.received.isoformat(), "types": figures, "faults": self.faults.total,
                "dropped": sorted({f.column or "" for f in self.faults.warnings if f.code == "personal_dropped"}),
            }  # fmt: skip
            with Commit(self.layout, f"{self.batch.name}-receipt") as commit:
                commit.text(json.dumps(receipt, ensure_ascii=False, indent=1) + "\n", f"batches/{self.batch.name}.json")
            self.report.batches.append(self.batch.name)
        for name, counts in self.only.types.items():
            self.report.count(name, **counts)
        self.report.types.pop("", None)
        self.report.rejected += self.only.rejected
        self.report.take(self.faults)


class NumberedSheet(Sheet):
    """A sheet whose rows keep the numbers of the file."""

    def __init__(self, file: str, numbers: pl.Series, faults: Faults) -> None:
        super().__init__(file, 0, len(numbers), faults)
        self.numbers = numbers

    def part(self, mask: pl.Series) -> NumberedSheet:
        """The sheet of some of the rows, with what is known to be wrong with them."""
        part = NumberedSheet(self.file, self.numbers.filter(mask), self.faults)
        part.reasons = [reason.filter(mask) for reason in self.reasons]
        return part

    def bad(
        self, mask: pl.Series, code: str, column: str | None, cells: pl.Series | None = None, **details: Any
    ) -> None:
        before = len(self.faults.faults)
        super().bad(mask, code, column, cells, **details)
        for at in range(before, len(self.faults.faults)):
            fault = self.faults.faults[at]
            assert fault.row is not None
            self.faults.faults[at] = Fault(
                fault.code, fault.file, int(self.numbers[fault.row]), fault.column, fault.value, fault.details
            )


def _ragged(faults: Faults) -> int:
    """Rows left out for having too many or too few cells."""
    return sum(f.code == "ragged" for f in faults)


def _blank(named: pl.DataFrame, marks: Mapping[str, pl.Series]) -> pl.Series:
    """Rows in which nothing is filled in."""
    blank = pl.repeat(True, len(named), dtype=pl.Boolean, eager=True)
    for cells in named.iter_columns():
        blank = blank & cells.is_null()
        if not blank.any():
            return blank
    for cells in marks.values():
        blank = blank & (
            cells.is_null() | (cells.cast(pl.String, strict=False).str.strip_chars() == "").fill_null(True)
        )
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


def require_type(asked: str | None, types: Mapping[str, RecordType]) -> None:
    """Raise where an asked type is none."""
    if asked is not None and asked not in types:
        faults = Faults()
        faults.add("unknown_type", "--type", None, None, asked, nearest=nearest(asked, types))
        faults.require()

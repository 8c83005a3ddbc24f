"""Refused rows and events, written in the shape they came in, with the reason, ready to be mended and sent again.

In:     what was refused, without what is about people
Out:    a file beside the lake's data: .csv for CSV and Parquet, .xlsx for workbooks
Not:    why something is refused (values.py, epcis)
"""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from clearway.records.inputs.columns import REASON
from clearway.records.lake import storage


class Rejected:
    """Collects refused rows of one table; nothing is written where there are none."""

    def __init__(self, folder: Path, stem: str) -> None:
        self._target = folder / f"{stem}.csv"
        self._part = folder / f"{stem}.csv.part"
        self._rows = 0

    def add(self, raw: pl.DataFrame, reason: pl.Series) -> None:
        """Take refused rows, without personal columns."""
        if not len(raw):
            return
        told = raw.with_columns(plain(raw[c]) for c in raw.columns).with_columns(reason.alias(REASON))
        with self._part.open("ab") as handle:
            if not self._rows:
                handle.write(b"\xef\xbb\xbf")
            told.write_csv(handle, include_header=not self._rows)
        self._rows += len(raw)

    def close(self) -> list[Path]:
        """Put the file in its place."""
        if not self._rows:
            return []
        storage.fsync(self._part)
        storage.move(self._part, self._target)
        storage.fsync(self._target.parent)
        return [self._target]


class RejectedWorkbook(Rejected):
    """The same as a workbook, so that it can be mended where it was written."""

    def __init__(self, folder: Path, stem: str, sheet: str) -> None:
        super().__init__(folder, stem)
        self._xlsx = folder / f"{stem}.xlsx"
        self._sheet = sheet
        self._frames: list[pl.DataFrame] = []

    def add(self, raw: pl.DataFrame, reason: pl.Series) -> None:
        if len(raw):
            self._frames.append(raw.with_columns(plain(raw[c]) for c in raw.columns).with_columns(reason.alias(REASON)))

    def close(self) -> list[Path]:
        if not self._frames:
            return []
        import xlsxwriter

        part = self._xlsx.with_suffix(".xlsx.part")
        frame = pl.concat(self._frames, how="vertical_relaxed")
        with xlsxwriter.Workbook(str(part), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
            sheet = book.add_worksheet(self._sheet[:31])
            sheet.write_row(0, 0, frame.columns)
            for number, row in enumerate(frame.iter_rows(), 1):
                sheet.write_row(number, 0, ["" if v is None else v for v in row])
        storage.fsync(part)
        storage.move(part, self._xlsx)
        storage.fsync(self._xlsx.parent)
        return [self._xlsx]


def plain(cells: pl.Series) -> pl.Series:
    """Cells as text that a CSV can hold."""
    if cells.dtype.is_nested() or cells.dtype == pl.Binary:
        return pl.Series(cells.name, [None if v is None else str(v) for v in cells.to_list()], dtype=pl.String)
    return cells


def rejected_for(folder: Path, batch: str, file: str) -> Rejected:
    """Where refused rows of a table go: ``file`` is its name, ``book.xlsx:sheet`` for a sheet."""
    name, _, sheet = file.partition(":")
    stem = "-".join(re.sub(r"[^\w.-]+", "_", part) for part in (batch, name.split(".")[0], sheet) if part)
    return RejectedWorkbook(folder, stem, sheet) if sheet else Rejected(folder, stem)

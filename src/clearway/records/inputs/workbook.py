"""Workbooks (.xlsx): each sheet a table of cells as text.

In:     a path
Out:    a RawTable per sheet with rows; merged cells and formulas as faults
Not:    writing workbooks (template.py), what columns mean (columns.py)

A workbook is unpacked in memory, so its unpacked size is looked at first: a small file can hold gigabytes.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl

from clearway.core.errors import Faults
from clearway.core.raw import RawTable, frame_table
from clearway.records.inputs.columns import MERGED

LIMIT_BYTES = 512 << 20
_RATIO = 400
# sheets of a template that hold no records
NOTES = ("help", "说明", "lists", "选项")


def workbook_tables(path: Path, file: str, faults: Faults) -> Iterator[RawTable]:
    """The sheets of a workbook that hold rows; the first row of each is its header."""
    import openpyxl

    if not _fits(path, file, faults):
        return
    try:
        book = openpyxl.load_workbook(path, data_only=False, keep_links=False)
    except Exception as error:  # the library raises whatever its parsers raise
        faults.add("unreadable", file, reason=f"{type(error).__name__}: not a workbook this can read")
        return
    try:
        for sheet in book.worksheets:
            if sheet.title in NOTES or sheet.sheet_state != "visible":
                continue
            name = f"{file}:{sheet.title}"
            merged: set[int] = set()
            for area in sheet.merged_cells.ranges:
                if area.min_row == 1:
                    faults.add("merged_cells", name, 1, None, area.coord)
                merged.update(range(max(area.min_row, 2), area.max_row + 1))
            frame = _frame(sheet, merged)
            if frame is not None and frame.width:
                yield frame_table(frame, name)
    except Exception as error:
        faults.add("unreadable", file, reason=f"{type(error).__name__} in a sheet")
    finally:
        book.close()


def _fits(path: Path, file: str, faults: Faults) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            packed = max(1, path.stat().st_size)
            if size > LIMIT_BYTES or (size > 16 << 20 and size / packed > _RATIO):
                faults.add("zip_bomb", file, size=f"{size >> 20} MiB", limit=f"{LIMIT_BYTES >> 20} MiB")
                return False
    except Exception as error:  # zipfile raises more than it says
        faults.add("unreadable", file, reason=str(error) or type(error).__name__)
        return False
    return True


def _frame(sheet: Any, merged: set[int]) -> pl.DataFrame | None:
    rows = [[_cell(c) for c in row] for row in sheet.iter_rows(values_only=True)]
    while rows and not any(c is not None for c in rows[-1]):
        rows.pop()
    if not rows:
        return None
    width = max((i + 1 for row in rows for i, c in enumerate(row) if c is not None), default=0)
    header = [(rows[0][i] if i < len(rows[0]) else None) or f"column {i + 1}" for i in range(width)]
    seen: dict[str, int] = {}
    for i, name in enumerate(header):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            header[i] = f"{name} ({seen[name]})"
    body = [row[:width] + [None] * (width - len(row)) for row in rows[1:]]
    frame = pl.DataFrame(body, schema=dict.fromkeys(header, pl.String), orient="row")
    if merged:  # which cell a value belongs to is not known there
        marks = ["yes" if number in merged else None for number in range(2, len(body) + 2)]
        frame = frame.with_columns(pl.Series(MERGED, marks, dtype=pl.String))
    return frame


def _cell(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d") if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    text = str(value).strip()
    return text or None

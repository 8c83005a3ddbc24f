"""Write a case back: a folder of CSV or Parquet, or one .xlsx, replaced as a whole.

In:     Case, a target path
Out:    files that read back to the same case
Not:    plans (planning.write)
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import tomli_w
import xlsxwriter
from shapely.geometry import mapping

from clearway.cases.sources import REQUIRED, SCHEMAS
from clearway.core.files import staged_file, staged_folder
from clearway.core.tables import csv_text

if TYPE_CHECKING:
    from clearway.cases.case import Case

SHEET_ROWS = 1_000_000
_CELL = 32_000
_OWNED = frozenset({"case.toml", "areas.geojson"} | {f"{t}{s}" for t in SCHEMAS for s in (".csv", ".parquet")})


def tables_of(case: Case) -> dict[str, pl.DataFrame]:
    """Tables that are written: required ones, and others that have rows; only columns in use."""
    tables = {}
    for table, schema in SCHEMAS.items():
        frame: pl.DataFrame = getattr(case, table)
        if table in REQUIRED or len(frame):
            used = [c.name for c in schema.columns if c.required or frame[c.name].null_count() < len(frame)]
            tables[table] = frame.select(used)
    return tables


def areas_text(case: Case) -> str:
    """The areas as GeoJSON."""
    features = [
        {"type": "Feature", "id": name, "properties": {}, "geometry": mapping(geometry)}
        for name, geometry in case.areas.items()
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)


def write_folder(case: Case, target: Path, *, parquet: bool = False) -> None:
    """Write a folder; files of an earlier case there are replaced, others are left alone."""
    with staged_folder(target, _OWNED) as staging:
        (staging / "case.toml").write_text(tomli_w.dumps(case.settings.to_dict()), encoding="utf-8")
        for table, frame in tables_of(case).items():
            if parquet:
                frame.write_parquet(staging / f"{table}.parquet", compression_level=9)
            else:
                (staging / f"{table}.csv").write_text(csv_text(frame), encoding="utf-8")
        if case.areas:
            (staging / "areas.geojson").write_text(areas_text(case), encoding="utf-8")


def write_workbook(case: Case, target: Path) -> None:
    """Write an .xlsx: sheets case, class, profile, and a sheet for each table."""
    with staged_file(target) as path, xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        document = case.settings.to_dict()
        classes, profile = document.pop("class"), document.pop("profile", None)
        _sheet(
            book,
            "case",
            ["key", "value"],
            [[k, str(v).lower() if isinstance(v, bool) else str(v)] for k, v in _flat(document)],
        )
        columns = list(dict.fromkeys(key for row in classes for key in row))
        _sheet(book, "class", columns, [[row.get(c) for c in columns] for row in classes])
        if profile:
            _sheet(book, "profile", ["hour", "collection"], [[h, v] for h, v in enumerate(profile["collection"])])
        for table, frame in tables_of(case).items():
            text = frame.with_columns(
                pl.col(name).cast(pl.String)
                if isinstance(dtype, pl.Enum)
                else pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S")
                if isinstance(dtype, pl.Datetime)
                else pl.col(name).cast(pl.String)
                if dtype == pl.Date
                else pl.col(name)
                for name, dtype in frame.schema.items()
            )
            for part, offset in enumerate(range(0, max(1, len(text)), SHEET_ROWS), start=1):
                name = table if part == 1 else f"{table}-{part}"
                _sheet(book, name, text.columns, text.slice(offset, SHEET_ROWS).iter_rows())
        if case.areas:
            rows = []
            for name, geometry in case.areas.items():
                text_form = json.dumps(mapping(geometry))
                rows += [[name, text_form[i : i + _CELL]] for i in range(0, len(text_form), _CELL)]
            _sheet(book, "areas", ["id", "geometry"], rows)


def _flat(document: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in document.items():
        rows += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return rows


def _sheet(book: xlsxwriter.Workbook, name: str, header: list[str], rows: Any) -> None:
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, header)
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row):
            if isinstance(value, bool):
                sheet.write_boolean(number, column, value)
            elif isinstance(value, int | float):
                sheet.write_number(number, column, value)
            elif value is not None:
                sheet.write_string(number, column, str(value))

"""Where the tables of a case stand: a folder of CSV and Parquet, or the sheets of an .xlsx.

In:     a path
Out:    Source: the settings document, raw tables by name, the areas' GeoJSON
Not:    checking (read.py), writing (write.py)
Words:  layer = a folder whose tables stand in for those of the folder under it (built-in cases)
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastexcel
import polars as pl

from clearway.core.errors import Faults, InputError
from clearway.core.raw import RawTable, csv_table, frame_table, parquet_table
from clearway.core.schema import Schema, nearest, resembles
from clearway.demand import SCHEMAS as DEMAND
from clearway.disruption import SCHEMAS as DISRUPTION
from clearway.network import SCHEMAS as NETWORK

SCHEMAS: dict[str, Schema] = {**NETWORK, **DEMAND, **DISRUPTION}
REQUIRED = ("places", "facilities", "lanes", "demand")
_BESIDE = ("case.toml", "areas.geojson")


@dataclass
class Source:
    """What was found; ``tables`` holds only those present."""

    document: Mapping[str, Any]
    document_file: str
    tables: dict[str, RawTable]
    areas: str | None
    areas_file: str


def open_source(path: Path, faults: Faults, layers: Sequence[Path] = ()) -> Source:
    """Open a folder (with ``layers`` under it) or an .xlsx."""
    if path.is_dir():
        return _open_folder([path, *layers], faults)
    if path.suffix.lower() in (".xlsx", ".xlsm") and path.is_file():
        return _open_workbook(path, faults)
    faults.add("unreadable", str(path), reason="it is neither a case folder, an .xlsx, nor the name of a built-in case")
    faults.require()
    raise AssertionError


def _canonical(name: str) -> str | None:
    for table, schema in SCHEMAS.items():
        if name.casefold() == table or name in schema.zh:
            return table
    return None


def _open_folder(folders: Sequence[Path], faults: Faults) -> Source:
    tables: dict[str, RawTable] = {}
    document: Mapping[str, Any] | None = None
    areas: str | None = None
    for folder in folders:
        here: dict[str, Path] = {}
        for path in sorted(folder.iterdir()):
            if path.suffix not in (".csv", ".parquet", ".toml", ".geojson") or path.name.startswith("."):
                continue
            if path.name in _BESIDE:
                continue
            table = _canonical(path.stem) if path.suffix in (".csv", ".parquet") else None
            if table is None:
                _not_a_table(path.name, path.stem, faults)
            elif table in here:
                faults.add("two_files", path.name, other=here[table].name)
            else:
                here[table] = path
        for table, path in here.items():
            opener = csv_table if path.suffix == ".csv" else parquet_table
            tables.setdefault(table, opener(path, path.name))
        if document is None and (folder / "case.toml").is_file():
            document = _toml(folder / "case.toml", faults)
        if areas is None and (folder / "areas.geojson").is_file():
            areas = _read_text(folder / "areas.geojson", faults)
    if document is None:
        faults.add("missing_file", "case.toml")
    return Source(document or {}, "case.toml", tables, areas, "areas.geojson")


def _not_a_table(file: str, stem: str, faults: Faults) -> None:
    """A name like a table's is a slip and a fault; anything else may lie there and is not read."""
    known = [*SCHEMAS, *_SIDE_SHEETS, *(zh for schema in SCHEMAS.values() for zh in schema.zh)]
    if resembles(stem, known):
        faults.add("unknown_file", file, nearest=nearest(stem, known))
    else:
        faults.warn("ignored_file", file)


def _read_text(path: Path, faults: Faults) -> str | None:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        faults.add("not_utf8", path.name)
    return None


def _toml(path: Path, faults: Faults) -> Mapping[str, Any]:
    text = _read_text(path, faults)
    try:
        return tomllib.loads(text or "")
    except tomllib.TOMLDecodeError as error:
        faults.add("unreadable", path.name, reason=str(error))
        raise InputError(faults.faults, faults.total) from error


def _open_workbook(path: Path, faults: Faults) -> Source:
    try:
        book = fastexcel.read_excel(str(path))
    except (fastexcel.FastExcelError, OSError) as error:
        faults.add("unreadable", path.name, reason=str(error).splitlines()[0])
        faults.require()
        raise AssertionError from error
    found: dict[str, list[pl.DataFrame]] = {}
    side: dict[str, pl.DataFrame] = {}
    for sheet in book.sheet_names:
        stem = _stem(sheet)
        table = _canonical(stem)
        # as text fastexcel rounds numbers to nine digits, so types are inferred over all rows
        frame = book.load_sheet(sheet, schema_sample_rows=None).to_polars()
        if table is not None:
            found.setdefault(table, []).append(frame)
        elif stem in _SIDE_SHEETS:
            side[_SIDE_SHEETS[stem]] = frame
        else:
            _not_a_table(f"{path.name}[{sheet}]", stem, faults)
    tables = {
        table: frame_table(
            pl.concat(frames, how="diagonal_relaxed") if len(frames) > 1 else frames[0], f"{path.name}[{table}]"
        )
        for table, frames in found.items()
    }
    if "case" not in side:
        faults.add("missing_file", f"{path.name}[case]")
    return Source(_document_of(side), f"{path.name}[case]", tables, _areas_of(side.get("areas")), f"{path.name}[areas]")


_SIDE_SHEETS = {
    "case": "case",
    "设置": "case",
    "class": "class",
    "类别": "class",
    "profile": "profile",
    "时段分布": "profile",
    "areas": "areas",
    "区域": "areas",
}
_CASE_COLUMNS = {"键": "key", "值": "value", "名称": "name", "小时": "hour", "比例": "collection"}


def _stem(sheet: str) -> str:
    """'demand-2' -> 'demand': a table longer than a sheet goes on in numbered ones."""
    head, dash, tail = sheet.strip().rpartition("-")
    return head if dash and tail.isdigit() else sheet.strip()


def _value(text: Any) -> Any:
    """A cell as TOML would read it: true, 12.5 or text."""
    if text is None:
        return None
    word = str(text).strip()
    if word.casefold() in ("true", "false"):
        return word.casefold() == "true"
    try:
        number = float(word)
    except ValueError:
        return word
    return int(number) if number == int(number) and "e" not in word.casefold() else number


def _document_of(side: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """The document that case.toml would hold, from the sheets case, class and profile."""
    document: dict[str, Any] = {}
    if "case" in side:
        for row in side["case"].rename(_CASE_COLUMNS, strict=False).iter_rows(named=True):
            if row.get("key") is None or row.get("value") is None:
                continue
            *path, last = str(row["key"]).strip().split(".")
            table = document
            for part in path:
                table = table.setdefault(part, {})
            text_only = last in ("name", "start", "timezone", "currency", "coordinates") or path[:1] == ["title"]
            table[last] = str(row["value"]).strip() if text_only else _value(row["value"])
    if "class" in side:
        rows = side["class"].rename(_CASE_COLUMNS, strict=False).to_dicts()
        document["class"] = [
            {k: str(v) if k == "name" else _value(v) for k, v in row.items() if v is not None}
            for row in rows
            if any(v is not None for v in row.values())
        ]
    if "profile" in side:
        frame = side["profile"].rename(_CASE_COLUMNS, strict=False)
        column = "collection" if "collection" in frame.columns else frame.columns[-1]
        document["profile"] = {"collection": [_value(v) for v in frame[column].drop_nulls()]}
    return document


def _areas_of(frame: pl.DataFrame | None) -> str | None:
    """GeoJSON from rows (id, geometry); a long geometry goes on in the next rows of its id."""
    if frame is None:
        return None
    texts: dict[str, str] = {}
    for row in frame.iter_rows(named=True):
        if row.get("id") is not None:
            texts[str(row["id"])] = texts.get(str(row["id"]), "") + (row.get("geometry") or "")
    features = []
    for area, text in texts.items():
        try:
            geometry = json.loads(text)
        except ValueError:
            geometry = None
        features.append({"type": "Feature", "id": area, "properties": {}, "geometry": geometry})
    return json.dumps({"type": "FeatureCollection", "features": features})

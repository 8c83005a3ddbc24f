"""A file told by its name and first bytes, and handed to the reader of its kind.

In:     a path
Out:    records taken in
Not:    how each kind is read (sources.py, workbook.py, records.epcis)
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from clearway.records.inputs.sources import csv_source, parquet_source
from clearway.records.inputs.workbook import workbook_tables

if TYPE_CHECKING:
    from clearway.records.ingest import Intake

_TABLES = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".xlsx", ".xlsm")


def take_in(intake: Intake, path: Path, asked: str | None) -> None:
    """Read one file into the lake; what cannot be read is a fault of the file."""
    if not path.is_file():
        intake.faults.add("missing_input", path.name if path.parent == Path() else str(path))
        return
    kind = _kind(path)
    if kind == "xlsx":
        intake.tables(workbook_tables(path, path.name, intake.faults), asked)
    elif kind == "parquet":
        intake.tables(iter([parquet_source(path, path.name)]), asked)
    elif kind in ("json", "xml"):
        from clearway.records.epcis.taking import take_document

        take_document(intake, path, kind)
    elif kind == "csv":
        try:
            table = csv_source(path, path.name)
        except (OSError, EOFError, zlib.error) as error:
            intake.faults.add("unreadable", path.name, reason=str(error) or type(error).__name__)
            return
        intake.tables(iter([table]), asked)
    else:
        intake.faults.add("unknown_input", path.name)


def _kind(path: Path) -> str:
    """What a file is: by its first bytes where they tell, else by its name."""
    suffix = path.suffix.lower()
    with path.open("rb") as handle:
        start = handle.read(4096)
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith(b"PK\x03\x04"):
        return "xlsx"
    if start.startswith(b"\x1f\x8b"):
        with gzip.open(path, "rb") as packed:
            try:
                start = packed.read(4096)
            except (OSError, EOFError, zlib.error):
                return "csv" if ".csv" in path.name else ""
        return "csv" if start else ""
    text = start.decode("utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "ignore").lstrip(
        "\ufeff \t\r\n"
    )
    if text.startswith(("{", "[")) or suffix in (".json", ".jsonld"):
        return "json"
    if text.startswith("<") or suffix == ".xml":
        return "xml"
    if suffix in (".parquet", ".pq"):
        return "parquet"
    if suffix in (".xlsx", ".xlsm"):
        return "xlsx"
    return "csv" if suffix in _TABLES or not suffix else ""

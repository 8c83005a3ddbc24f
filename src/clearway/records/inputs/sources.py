"""Files opened as batches of raw columns: CSV in any usual encoding, also packed, and Parquet.

In:     paths
Out:    RawTable; encodings and separators found
Not:    workbooks (workbook.py), EPCIS (records.epcis), what columns mean (columns.py)
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from pathlib import Path
from typing import BinaryIO, cast

from clearway.core.raw import RawTable, csv_table, parquet_table

_SAMPLE = 1 << 20
_BLOCK = 1 << 20


def csv_source(path: Path, file: str) -> RawTable:
    """A CSV, packed (.gz) or not, in UTF-8, UTF-16 or GB 18030; separated by commas, semicolons or tabs."""

    def opened() -> BinaryIO:
        return cast(BinaryIO, gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb"))

    with opened() as handle:
        sample = handle.read(_SAMPLE)
    encoding = _encoding(sample)
    delimiter = _delimiter(sample.decode(encoding, "replace"))
    return csv_table(
        path, file, opened=lambda: cast(BinaryIO, _Utf8(opened(), encoding)), delimiter=delimiter, private=True
    )


def parquet_source(path: Path, file: str) -> RawTable:
    """A Parquet file."""
    return parquet_table(path, file, rows=1 << 17)


def _encoding(sample: bytes) -> str:
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if sample.startswith(mark):
            return name
    for name in ("utf-8", "gb18030"):
        try:
            codecs.getincrementaldecoder(name)().decode(sample, final=len(sample) < _SAMPLE)
            return name
        except UnicodeDecodeError:
            continue
    # neither throughout: the one with fewer characters that do not fit; those are told cell by cell
    return min(("utf-8", "gb18030"), key=lambda n: sample.decode(n, "replace").count("\ufffd"))


def _delimiter(text: str) -> str:
    header = next(iter(text.splitlines()), "")
    try:
        cells = next(csv.reader([header]), [])
    except csv.Error:
        cells = [header]
    if len(cells) > 1:
        return ","
    return max((",", ";", "\t"), key=header.count)


class _Utf8(io.RawIOBase):
    """A file's bytes as UTF-8; what does not fit its encoding becomes U+FFFD, which is a fault of its cell."""

    def __init__(self, handle: BinaryIO, encoding: str) -> None:
        self._handle = handle
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left:
            block = self._handle.read(_BLOCK)
            self._left = self._decoder.decode(block, final=not block).encode("utf-8", "replace").replace(b"\x00", b"")
            if not block:
                break
        taken = self._left[: len(buffer)]
        self._left = self._left[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)

    def close(self) -> None:
        self._handle.close()
        super().close()

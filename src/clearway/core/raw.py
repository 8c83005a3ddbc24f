"""Tables as they stand in their files: batches of raw columns.

In:     CSV, Parquet, frames
Out:    RawTable
Not:    types and checks (tables.py)
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from clearway.core.errors import Faults

_BLOCK = 1 << 24


@dataclass
class RawTable:
    """One table as it stands in its file: a name for messages and batches of raw columns."""

    file: str
    batches: Callable[[Faults], Iterator[pl.DataFrame]]


def csv_table(
    path: Path, file: str, *, opened: Callable[[], BinaryIO] | None = None, delimiter: str = ",", private: bool = False
) -> RawTable:
    """A CSV read in blocks, every cell as text; memory does not grow with the file.

    ``opened`` gives its bytes as UTF-8 where the file itself is packed or written otherwise; ``private`` keeps
    the text of faulty rows out of messages.
    """

    source = opened or (lambda: path.open("rb"))

    def batches(faults: Faults) -> Iterator[pl.DataFrame]:
        skipped: list[int] = []

        def ragged(bad: Any) -> str:
            shown = None if private else bad.text[:60]
            faults.add("ragged", file, bad.number, None, shown, seen=bad.actual_columns, expected=bad.expected_columns)
            skipped.append(bad.number)
            return "skip"

        try:
            with io.TextIOWrapper(source(), encoding="utf-8-sig", newline="") as handle:
                header = next(csv.reader(handle, delimiter=delimiter), [])
            if not header:
                if path.stat().st_size:
                    faults.add("no_header", file, 1)
                return
            header = [name or f"column {number}" for number, name in enumerate(header, 1)]
            yield pl.DataFrame(schema=dict.fromkeys(header, pl.String))
            twice = sorted({name for name in header if header.count(name) > 1})
            for name in twice:
                faults.add("repeated_column", file, 1, name)
            if twice:
                return
            reader = pa_csv.open_csv(
                path if opened is None else source(),
                read_options=pa_csv.ReadOptions(
                    block_size=_BLOCK, use_threads=False, column_names=header, skip_rows_after_names=1
                ),
                parse_options=pa_csv.ParseOptions(
                    delimiter=delimiter, newlines_in_values=True, invalid_row_handler=ragged
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types={name: pa.string() for name in header}, strings_can_be_null=True, null_values=[""]
                ),
            )
            row = 2
            for batch in reader:
                frame = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
                frame = _with_gaps(frame, row, skipped)
                row += len(frame)
                yield frame
        except UnicodeDecodeError:
            faults.add("not_utf8", file)
        except pa.ArrowInvalid as error:
            if "UTF8" in str(error) or "utf8" in str(error):
                faults.add("not_utf8", file)
            elif "Empty CSV" not in str(error):
                faults.add("unreadable", file, reason=str(error).splitlines()[0])
        except (OSError, csv.Error) as error:
            faults.add("unreadable", file, reason=str(error))

    return RawTable(file, batches)


def _with_gaps(frame: pl.DataFrame, row: int, skipped: list[int]) -> pl.DataFrame:
    """The frame with an empty row for each skipped one, so that later rows keep their numbers.

    Takes what it uses out of ``skipped``, which may already hold rows of later blocks.
    """
    gap = pl.DataFrame({name: [None] for name in frame.columns}, schema=frame.schema)
    parts = []
    while skipped and skipped[0] - row <= len(frame):
        parts += [frame[: skipped[0] - row], gap]
        frame = frame[skipped[0] - row :]
        row = skipped.pop(0) + 1
    return pl.concat([*parts, frame]) if parts else frame


def parquet_table(path: Path, file: str, rows: int = 1 << 20) -> RawTable:
    """A Parquet file, in batches of so many rows at most."""

    def batches(faults: Faults) -> Iterator[pl.DataFrame]:
        try:
            with pq.ParquetFile(path) as source:
                _ = source.schema_arrow.names  # raises where a name is no text
                for batch in source.iter_batches(batch_size=rows):
                    batch.validate(full=True)  # text that is none would break whoever reads it
                    yield pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
                if source.metadata.num_rows == 0:
                    yield pl.DataFrame(pl.from_arrow(source.schema_arrow.empty_table()))
        except (pa.ArrowException, OSError, UnicodeDecodeError, pl.exceptions.PanicException) as error:
            faults.add("unreadable", file, reason=next(iter(str(error).splitlines()), type(error).__name__))

    return RawTable(file, batches)


def frame_table(frame: pl.DataFrame, file: str) -> RawTable:
    """A frame already in memory (a sheet, or what a caller passes in)."""
    return RawTable(file, lambda faults: iter([frame]))

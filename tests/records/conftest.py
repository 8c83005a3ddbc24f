"""Small lakes and files for the tests of records."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from clearway.records import Lake, Report

NOW = datetime(2022, 12, 1, 9, 0)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A new lake."""
    return Lake.open(tmp_path / "lake")


@pytest.fixture
def take(lake: Lake, tmp_path: Path) -> Callable[..., Report]:
    """Write a text to a file and take it in."""

    def take_in(text: str | bytes, name: str = "daily_volume.csv", received: datetime = NOW, **options: str) -> Report:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return lake.ingest([path], received=received, **options)

    return take_in


def codes(report: Report) -> set[str]:
    """Codes of the faults of a report."""
    return {f.code for f in report.faults}


def lake_bytes(lake: Lake) -> bytes:
    """All bytes of a lake, Parquet and workbooks unpacked too."""
    parts = []
    for path in lake.folder.rglob("*"):
        if path.is_file():
            parts.append(path.read_bytes())
            if path.suffix == ".parquet":
                parts.append(pl.read_parquet(path, hive_partitioning=False).write_ndjson().encode())
            if path.suffix == ".xlsx":
                with zipfile.ZipFile(path) as archive:
                    parts += [archive.read(n) for n in archive.namelist()]
    return b"".join(parts)

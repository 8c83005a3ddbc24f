"""What touches the disk: files written, flushed, moved; one place, so that faults can be put in one place.

In:     frames, arrays, paths
Out:    files that are on the disk when a call returns
Not:    which files make up the lake (layout.py), commits (journal.py)
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import xxhash
from numpy.typing import NDArray

from clearway.core.files import sync

ROW_GROUP = 131_072


def fsync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    sync(path)


def fsync_all(paths: Iterable[Path]) -> None:
    """Flush several at once: the disk takes them together."""
    paths = list(paths)
    if len(paths) < 3:
        for path in paths:
            fsync(path)
        return
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fsync, paths))


def write_frame(frame: pl.DataFrame, path: Path, *, raw: bool = False) -> None:
    """Write a frame as Parquet: zstd; raw copies, which are seldom read, in the quicker lz4."""
    if raw:
        frame.write_parquet(path, compression="lz4", row_group_size=4 * ROW_GROUP, statistics=False)
    else:
        frame.write_parquet(path, compression="zstd", compression_level=1, row_group_size=ROW_GROUP, statistics=True)


def write_array(array: NDArray[np.uint64], path: Path) -> None:
    """Write an array in NumPy's format."""
    with path.open("wb") as handle:
        np.save(handle, array, allow_pickle=False)


def write_text(text: str, path: Path) -> None:
    """Write a text as UTF-8."""
    path.write_text(text, encoding="utf-8")


def move(source: Path, target: Path) -> None:
    """Rename within the lake; the target is replaced whole."""
    source.replace(target)


def digest(path: Path) -> str:
    """XXH3 of a file's bytes, 16 hex digits; part of its name, so that a changed file is seen."""
    state = xxhash.xxh3_64()
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            state.update(block)
    return str(state.hexdigest())

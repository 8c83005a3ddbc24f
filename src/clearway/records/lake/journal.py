"""Commits: several files come and go together, or not at all, whatever happens in between.

In:     files written to staging/, names of files that go
Out:    the lake with all of them moved, or as it was
Not:    what the files hold

A commit is decided when its entry in journal/ is on the disk: written, flushed, renamed, the folder flushed.
Before that, a crash leaves files in staging/ that the next writer removes; after it, the next writer (and every
reader, in its mind) finishes the moves. One writer at a time holds the lock.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import filelock
import numpy as np
import polars as pl
from numpy.typing import NDArray

from clearway.core.errors import ClearwayError
from clearway.records.lake import storage
from clearway.records.lake.layout import Layout


@contextmanager
def writing(layout: Layout, wait_seconds: float = 60.0) -> Iterator[None]:
    """Hold the lock of a lake; what an earlier writer left half done is finished or removed first."""
    lock = filelock.FileLock(layout.root / ".lock", timeout=wait_seconds)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise ClearwayError(
            f"Another command is writing to {layout.root}; waited {wait_seconds:g} s. Try again when it is done."
        ) from None
    try:
        recover(layout)
        yield
    finally:
        lock.release()


def recover(layout: Layout) -> None:
    """Finish decided commits, remove the rest."""
    for entry in sorted(layout.journal.glob("*.json")):
        _apply(layout, entry)
    for leftover in [*layout.journal.glob("*.part"), *layout.rejected.glob("*.part")]:
        leftover.unlink(missing_ok=True)
    for leftover in layout.staging.iterdir() if layout.staging.is_dir() else ():
        shutil.rmtree(leftover, ignore_errors=True)


def _apply(layout: Layout, entry: Path) -> None:
    commit = json.loads(entry.read_text(encoding="utf-8"))
    folders: set[Path] = set()
    for staged, target in commit["moves"]:
        source, goal = layout.root / staged, layout.root / target
        if not source.exists():
            continue  # moved before a crash
        for parent in (goal.parent, *goal.parent.parents):
            if parent == layout.root.parent:
                break
            if not parent.exists():
                folders.add(parent.parent)
        goal.parent.mkdir(parents=True, exist_ok=True)
        storage.move(source, goal)
        folders.add(goal.parent)
    for name in commit["removes"]:
        path = layout.root / name
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            folders.add(path.parent)
    storage.fsync_all(folders)
    entry.unlink(missing_ok=True)
    storage.fsync(layout.journal)
    shutil.rmtree(layout.staging / entry.stem, ignore_errors=True)
    for folder in {(layout.root / name).parent for name in commit["removes"]}:
        if folder.name.startswith("date=") and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


class Commit:
    """Files that come and go together. Use as ``with Commit(layout, name) as commit: …``; leaving it commits."""

    def __init__(self, layout: Layout, name: str) -> None:
        self.layout = layout
        self.name = name
        self.moves: list[tuple[str, str]] = []
        self.removes: list[str] = []
        self._folder = layout.staging / name

    def __enter__(self) -> Commit:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def _staged(self, suffix: str) -> Path:
        return self._folder / f"{len(self.moves):06d}{suffix}"

    def _keep(self, staged: Path, target: str) -> None:
        self.moves.append((staged.relative_to(self.layout.root).as_posix(), target))

    def frame(self, frame: pl.DataFrame, folder: str) -> str:
        """Add a Parquet file to a folder of the lake; returns its name."""
        staged = self._staged(".parquet")
        storage.write_frame(frame, staged, raw=folder.startswith("raw/"))
        target = f"{folder}/{self.name}-{len(self.moves):06d}.{storage.digest(staged)}.parquet"
        self._keep(staged, target)
        return target

    def array(self, array: NDArray[np.uint64], folder: str) -> None:
        """Add an index run."""
        staged = self._staged(".npy")
        storage.write_array(array, staged)
        self._keep(staged, f"{folder}/{self.name}-{len(self.moves):06d}.npy")

    def text(self, text: str, target: str) -> None:
        """Add or replace a text."""
        staged = self._staged(".json")
        storage.write_text(text, staged)
        self._keep(staged, target)

    def remove(self, path: Path) -> None:
        """Take a file out."""
        self.removes.append(path.relative_to(self.layout.root).as_posix())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None or not (self.moves or self.removes):
            shutil.rmtree(self._folder, ignore_errors=True)
            return
        entry = self.layout.journal / f"{self.name}.json"
        part = entry.with_suffix(".part")
        try:
            storage.fsync_all(self.layout.root / staged for staged, _ in self.moves)
            storage.fsync(self._folder)
            storage.write_text(json.dumps({"moves": self.moves, "removes": self.removes}), part)
            storage.fsync(part)
            storage.move(part, entry)
            storage.fsync(self.layout.journal)
        except BaseException:
            # undecided: whatever of it reached the disk must not be taken up later
            entry.unlink(missing_ok=True)
            part.unlink(missing_ok=True)
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        _apply(self.layout, entry)

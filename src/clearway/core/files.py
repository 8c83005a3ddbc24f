"""Write a folder or a file so that a reader sees the old content or the new, never half of it.

In:     a target folder, and what writes each file
Out:    the files in place, flushed to disk
Not:    formats (each room writes its own)
Words:  staging = a hidden folder beside the old files that takes the new ones first
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def sync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def staged_folder(target: Path, owned: frozenset[str]) -> Iterator[Path]:
    """A staging folder whose files replace those of ``target`` when the block ends well.

    ``owned`` names the files this writer may produce: those of an earlier run that the new run
    did not write are removed; anything else in the folder is left alone. If the block raises
    (a full disk, Ctrl-C), the old files stay as they were.
    """
    target.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=target))
    try:
        yield staging
        written = sorted(p for p in staging.iterdir())
        for path in written:
            sync(path)
        for path in written:
            path.replace(target / path.name)
        for name in owned - {p.name for p in written}:
            (target / name).unlink(missing_ok=True)
        sync(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def staged_file(target: Path) -> Iterator[Path]:
    """A temporary path beside ``target`` that replaces it when the block ends well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".staging-", suffix=target.suffix, dir=target.parent)
    os.close(handle)
    path = Path(name)
    try:
        yield path
        sync(path)
        path.chmod(0o644)
        path.replace(target)
    finally:
        path.unlink(missing_ok=True)

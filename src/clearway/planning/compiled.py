"""Where compiled kernels are kept, and a word to the user while they are made.

In:     the user's cache folder
Out:    prepare(), to be called before the kernels are imported
Not:    the kernels (dual)
Words:  cache = machine code of an earlier run on this machine, for these sources
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from clearway.core.caches import cache_folder


def prepare(
    progress: Callable[[str], None] | None = None, what: str = "planner", sign: str = "sweeps.*.nbi", seconds: int = 10
) -> Path:
    """Choose a writable folder for compiled kernels; says so where they (files like ``sign``) are not there yet."""
    folder = _folder()
    os.environ.setdefault("NUMBA_CACHE_DIR", str(folder))
    if progress is not None and not any(folder.rglob(sign)):
        progress(f"compiling the {what} for this machine (once, some {seconds} s)")
    return folder


def _folder() -> Path:
    given = os.environ.get("NUMBA_CACHE_DIR")
    # numba looks at the age of one file alone, not of those it calls: code of other sources must not be taken
    return Path(given) if given else cache_folder(Path(__file__).parents[1])

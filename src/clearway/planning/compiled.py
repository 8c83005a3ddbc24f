"""Where compiled kernels are kept, and a word to the user while they are made.

In:     the user's cache folder
Out:    prepare(), to be called before the kernels are imported
Not:    the kernels (dual)
Words:  cache = machine code of an earlier run on this machine, for these sources
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from clearway import __version__


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
    if given:
        return Path(given)
    homes = [os.environ.get("XDG_CACHE_HOME", ""), str(Path.home() / ".cache"), tempfile.gettempdir()]
    # numba looks at the age of one file alone, not of those it calls: code of other sources must not be taken
    state = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        state.update(path.read_bytes())
    for home in filter(None, homes):
        folder = Path(home) / "clearway" / f"{__version__}-{state.hexdigest()[:12]}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return Path(tempfile.mkdtemp(prefix="clearway-"))

"""Where what was made once on this machine is kept for the next time.

In:     the user's cache folder, the sources that made it
Out:    a writable folder of their own
Not:    what is kept in it (planning.compiled, rules.compiled.texts)
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from functools import cache
from pathlib import Path

from clearway import __version__


@cache
def digest_of_sources(room: Path) -> str:
    """What tells the sources of a room from those of another edition of it."""
    state = hashlib.sha256()
    for path in sorted(room.rglob("*.py")):
        state.update(path.read_bytes())
    return state.hexdigest()[:12]


def cache_folder(room: Path, more: str = "") -> Path:
    """A folder for what the sources of a room made, with ``more`` that it depends on; another edition has another."""
    homes = [os.environ.get("XDG_CACHE_HOME", ""), str(Path.home() / ".cache"), tempfile.gettempdir()]
    for home in filter(None, homes):
        folder = Path(home) / "clearway" / f"{__version__}-{digest_of_sources(room)}{more}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return Path(tempfile.mkdtemp(prefix="clearway-"))

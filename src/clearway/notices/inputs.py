"""Which files a command line means: files, folders, patterns.

In:     words of a command line
Out:    paths in order, faults for what is not there
Not:    opening them (opening.py)
"""

from __future__ import annotations

import glob
from pathlib import Path

from clearway.core.errors import Faults
from clearway.notices.pages import SUFFIXES


def input_files(words: list[str], faults: Faults) -> list[Path]:
    """Files named, those of folders named (all levels), those that patterns match; each once.

    Of a folder, files with other suffixes than pages have are passed over, and so is what an earlier run wrote.
    Two files that would be written under the same name are a fault of the second.
    """
    found: dict[Path, None] = {}
    for word in words:
        path = Path(word)
        if path.is_dir():
            inside = [p for p in sorted(path.rglob("*")) if _is_page(p)]
            if not inside:
                faults.add("no_pages", word)
            found.update(dict.fromkeys(inside))
        elif path.exists():
            found[path] = None
        else:
            # of Path.glob a pattern may not be absolute
            matched = [Path(p) for p in sorted(glob.glob(word, recursive=True))]  # noqa: PTH207
            if not matched:
                faults.add("no_such_file", word)
            found.update(dict.fromkeys(p for p in matched if p.is_file() and not _is_output(p)))
    stems: dict[str, Path] = {}
    out = []
    for path in found:
        first = stems.setdefault(path.stem, path)
        if first is not path:
            faults.add("same_name", str(path), other=str(first))
            continue
        out.append(path)
    return out


def _is_page(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and not _is_output(path)


def _is_output(path: Path) -> bool:
    return path.name.endswith((".clean.txt", ".orders.json", ".review.html"))

"""Where things lie in a lake.

In:     the folder of a lake
Out:    paths by type and day; the files that are current, in-flight commits taken into account
Not:    writing (journal.py), meaning of columns (declared.py)

    LAKE/lake.json                              settings: format, time zone, retention
         types/*.csv                            further record types, in the shape of record-types.csv
         data/TYPE/date=2022-11-18/*.parquet    records of one day; registers lie in data/TYPE/*.parquet
         raw/TYPE/*.parquet                     what came in, without what is about people
         rejected/                              refused rows, shaped like their input
         batches/*.json                         a receipt for each batch
         index/TYPE/*.npy                       keys already there; can be made again from data/
         findings/*.parquet                     findings that were new or had changed (docs/rules.md)
         measures/kept.sqlite                   rows of days that rules were judged by; may be removed (docs/rules.md)
         journal/, staging/, .lock              commits on their way

The last 16 letters of a file's name before the suffix are a digest of its bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

from clearway.core.errors import ClearwayError
from clearway.core.files import staged_file

FORMAT = 1
RETENTION = {"scan": 90, "other": 90}


@dataclass(frozen=True)
class Settings:
    """What a lake is set to; ``retention`` is days by type, absent types are kept."""

    format: int = FORMAT
    zone: str = "Asia/Shanghai"
    retention: dict[str, int] = field(default_factory=lambda: dict(RETENTION))


@dataclass(frozen=True)
class Layout:
    """Paths of one lake."""

    root: Path

    @property
    def data(self) -> Path:
        """Records by type and day."""
        return self.root / "data"

    @property
    def raw(self) -> Path:
        """What came in."""
        return self.root / "raw"

    @property
    def batches(self) -> Path:
        """Receipts."""
        return self.root / "batches"

    @property
    def rejected(self) -> Path:
        """Refused rows."""
        return self.root / "rejected"

    @property
    def index(self) -> Path:
        """Keys already there."""
        return self.root / "index"

    @property
    def journal(self) -> Path:
        """Commits on their way."""
        return self.root / "journal"

    @property
    def staging(self) -> Path:
        """Files of commits on their way."""
        return self.root / "staging"

    @property
    def settings_file(self) -> Path:
        """lake.json."""
        return self.root / "lake.json"

    def create(self) -> None:
        """Make the folders of a new lake."""
        if self.root.is_file():
            raise ClearwayError(f"{self.root} is a file; a lake is a folder.")
        if self.root.is_dir() and any(self.root.iterdir()) and not (self.root / ".lock").exists():
            raise ClearwayError(f"{self.root} holds other files and is no lake; name an empty or a new folder.")
        for folder in (self.data, self.raw, self.batches, self.rejected, self.index, self.journal, self.staging):
            folder.mkdir(parents=True, exist_ok=True)
        (self.root / "types").mkdir(exist_ok=True)
        self.write_settings(Settings())

    def write_settings(self, settings: Settings) -> None:
        """Write lake.json."""
        with staged_file(self.settings_file) as staging:
            staging.write_text(json.dumps(asdict(settings), indent=2) + "\n", encoding="utf-8")

    def settings(self) -> Settings:
        """Read lake.json."""
        try:
            settings = Settings(**json.loads(self.settings_file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise ClearwayError(f"{self.settings_file} cannot be read: {error}") from error
        if settings.format != FORMAT:
            raise ClearwayError(
                f"{self.root} has format {settings.format}; this Clearway reads {FORMAT}. Use the one that wrote it."
            )
        return settings

    def folder(self, kind: str, day: date | None) -> str:
        """Where records of a type and day lie, relative to the lake."""
        return f"data/{kind}" if day is None else f"data/{kind}/date={day.isoformat()}"

    def _pending(self) -> tuple[dict[str, Path], set[str]]:
        """Files of commits that are decided but not yet moved: where each is now; and those on their way out."""
        added: dict[str, Path] = {}
        removed: set[str] = set()
        for entry in sorted(self.journal.glob("*.json")):
            try:
                commit = json.loads(entry.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue  # done meanwhile
            for staged, target in commit["moves"]:
                added[target] = self.root / staged
            removed.update(commit["removes"])
        return added, removed

    def _current(self, kind: str, tree: str) -> dict[str, Path]:
        """The files of a type that are current, by name relative to the lake, and where each is now; in order."""
        while True:
            before = self.journal.stat().st_mtime_ns if self.journal.is_dir() else 0
            added, removed = self._pending()
            names = {p.relative_to(self.root).as_posix() for p in (self.root / tree / kind).glob("**/*.parquet")}
            paths = {n: self.root / n for n in names - removed}
            for name, staged in added.items():
                if name.startswith(f"{tree}/{kind}/") and name not in removed and name not in paths:
                    paths[name] = staged
            if before == (self.journal.stat().st_mtime_ns if self.journal.is_dir() else 0):
                return {n: paths[n] for n in sorted(paths)}

    def current(self, kind: str, first: date | None = None, last: date | None = None, tree: str = "data") -> list[Path]:
        """The files of a type that are current, those of some days only where ``first`` and ``last`` say so."""
        return [p for n, p in self._current(kind, tree).items() if _within(n, first, last)]

    def by_day(self, kind: str) -> dict[date | None, dict[str, Path]]:
        """The files of a type that are current, by name, under their day; those of registers under ``None``."""
        found: dict[date | None, dict[str, Path]] = {}
        for name, path in self._current(kind, "data").items():
            found.setdefault(_day_of(name), {})[name] = path
        return found

    def days(self, kind: str) -> list[date]:
        """The days a type has records of."""
        folders = (self.data / kind).glob("date=*")
        return sorted(date.fromisoformat(f.name[5:]) for f in folders if any(f.glob("*.parquet")))

    def last_day(self, kind: str, by: date) -> date | None:
        """The last day, not after another, that a type has records of."""
        names = sorted(
            (f.name for f in (self.data / kind).glob("date=*") if f.name[5:] <= by.isoformat()), reverse=True
        )
        there = (n for n in names if any((self.data / kind / n).glob("*.parquet")))
        return next((date.fromisoformat(n[5:]) for n in there), None)

    def kinds(self, tree: str = "data") -> Iterator[str]:
        """The types that have records."""
        root = self.root / tree
        if root.is_dir():
            for folder in sorted(root.iterdir()):
                if folder.is_dir() and next(folder.glob("**/*.parquet"), None) is not None:
                    yield folder.name


def _day_of(name: str) -> date | None:
    return date.fromisoformat(name.split("/date=", 1)[1][:10]) if "/date=" in name else None


def _within(name: str, first: date | None, last: date | None) -> bool:
    if first is None and last is None:
        return True
    day = _day_of(name)
    return day is None or ((first is None or day >= first) and (last is None or day <= last))

"""Files into a lake: opened, freed of what is about people, checked, kept; and a receipt.

In:     paths; a lake
Out:    Report: how many were accepted, repeated, refused, superseded, and every fault
Not:    how files are opened (inputs, epcis), how cells are read (values.py), how records are kept (lake.store)
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from clearway.core.errors import Fault, Faults
from clearway.core.raw import RawTable
from clearway.core.schema import nearest
from clearway.records.declared import RecordType
from clearway.records.inputs.preparing import Prepared, Preparer, ahead
from clearway.records.inputs.rejected import Rejected, rejected_for
from clearway.records.lake.journal import Commit
from clearway.records.lake.keys import Hashes, key_hashes, version_hashes
from clearway.records.lake.layout import Layout
from clearway.records.lake.store import Batch, Stored, store
from clearway.records.privacy import pseudonym_key


@dataclass
class Report:
    """What became of some input. A row or an event is counted once: accepted, repeated or refused."""

    accepted: int = 0
    repeated: int = 0
    refused: int = 0
    superseded: int = 0
    faults: list[Fault] = field(default_factory=list)
    total_faults: int = 0
    warnings: list[Fault] = field(default_factory=list)
    rejected: list[Path] = field(default_factory=list)
    types: dict[str, Counter[str]] = field(default_factory=dict)
    records: dict[str, int] = field(default_factory=dict)
    batches: list[str] = field(default_factory=list)

    def count(self, kind: str | None, **numbers: int) -> None:
        """Add to the figures of a type, where it is known, and to the sums."""
        for name, number in numbers.items():
            if kind is not None:
                self.types.setdefault(kind, Counter())[name] += number
            setattr(self, name, getattr(self, name) + number)

    def take(self, faults: Faults) -> None:
        """Take in what was found wrong with one file."""
        self.faults += faults.faults
        self.total_faults += faults.total
        self.warnings += faults.warnings

    def add(self, other: Report) -> None:
        """Take in what became of one file."""
        for name in ("accepted", "repeated", "refused", "superseded", "total_faults"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for kind, counts in other.types.items():
            self.types.setdefault(kind, Counter()).update(counts)
        self.faults += other.faults
        self.warnings += other.warnings
        self.rejected += other.rejected

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "accepted": self.accepted,
            "repeated": self.repeated,
            "refused": self.refused,
            "superseded": self.superseded,
            "faults": [f.to_dict() for f in self.faults],
            "faults_in_all": self.total_faults,
            "warnings": [f.to_dict() for f in self.warnings],
            "rejected": [str(p) for p in self.rejected],
            "types": {name: dict(counts) for name, counts in self.types.items()},
            "batches": self.batches,
        }


@dataclass
class Intake:
    """One file on its way into a lake."""

    layout: Layout
    types: Mapping[str, RecordType]
    batch: Batch
    report: Report
    zone: ZoneInfo
    told: Callable[[int], None]
    faults: Faults = field(default_factory=Faults)
    part: int = 0
    only: Report = field(default_factory=Report)

    def preparer(self) -> Preparer:
        """How tables of this batch are made ready."""
        key = lambda: pseudonym_key(self.layout.root)  # noqa: E731 - asked for only where persons are named
        return Preparer(self.types, self.zone, self.batch.origin, self.batch.received, key)

    def tables(self, tables: Iterator[RawTable], asked: str | None) -> None:
        """Read tables of one type each, part by part."""
        for table in tables:
            rejected = rejected_for(self.layout.rejected, self.batch.name, table.file)
            ragged, read = _ragged(self.faults), False
            for rows, parts in ahead(_hashed(ahead(self.preparer().read(table, asked, self.faults)))):
                read = True
                for part in parts:
                    self.records(part, rejected)
                self.told(rows)
            if not read:
                self._count_unread(table)
            self.only.rejected += rejected.close()
            self.only.count(None, refused=_ragged(self.faults) - ragged)

    def _count_unread(self, table: RawTable) -> None:
        """Rows of a table whose columns are wrong are refused, all of them."""
        if any(f.file == table.file for f in self.faults):
            quiet = Faults()
            self.only.count(None, refused=sum(len(frame) for frame in table.batches(quiet)))

    def records(self, part: Prepared, rejected: Rejected) -> None:
        """Keep the right rows of a part, write back the others."""
        rtype, typed, raw, sheet = part.rtype, part.typed, part.raw, part.sheet
        if not len(typed):
            part.tell(self.faults)
            return
        bad = sheet.at_fault
        good = ~bad
        kept, came = (typed.filter(good), raw.filter(good)) if bad.any() else (typed, raw)
        told = None
        if part.hashes is not None:
            mask = good.to_numpy()
            told = part.hashes if not bad.any() else (part.hashes[0][mask], part.hashes[1][mask])
        stored = self.keep(rtype, kept, came, told)
        sheet.conflicts(stored.conflicts, good, typed[rtype.key[0]])
        bad = sheet.at_fault
        refused = int(bad.sum())
        if refused:
            rejected.add(raw.filter(bad), sheet.reason().filter(bad))
        part.tell(self.faults)
        self.only.count(
            rtype.name,
            accepted=len(stored.accepted),
            repeated=len(stored.repeated),
            superseded=len(stored.superseded),
            refused=refused,
        )

    def keep(
        self,
        rtype: RecordType,
        kept: pl.DataFrame,
        came: pl.DataFrame | None,
        told: tuple[Hashes, Hashes] | None = None,
    ) -> Stored:
        """Into the lake."""
        self.part += 1
        stored = store(self.layout, rtype, kept, came, self.batch, self.part, told)
        self.only.records[rtype.name] = self.only.records.get(rtype.name, 0) + len(stored.accepted)
        return stored

    def finish(self) -> None:
        """Write the receipt and add this file's figures to the report."""
        if self.faults.total and not self.only.refused:  # a file that could not be read, or not to its end
            self.only.count(None, refused=1)
        self.only.take(self.faults)
        figures = {name: dict(counts) for name, counts in self.only.types.items()}
        if self.only.accepted or self.only.refused:
            receipt = {
                "batch": self.batch.name, "file": self.batch.file, "origin": self.batch.origin,
                "received": self.batch.received.isoformat(), "types": figures, "rows": self.only.records,
                "faults": self.faults.total,
                "dropped": sorted({f.column or "" for f in self.faults.warnings if f.code == "personal_dropped"}),
            }  # fmt: skip
            with Commit(self.layout, f"{self.batch.name}-receipt") as commit:
                commit.text(json.dumps(receipt, ensure_ascii=False, indent=1) + "\n", f"batches/{self.batch.name}.json")
            self.report.batches.append(self.batch.name)
        self.report.add(self.only)


def _hashed(items: Iterator[tuple[int, list[Prepared]]]) -> Iterator[tuple[int, list[Prepared]]]:
    """Parts with the hashes of their rows, so that one part is hashed while another is written."""
    for rows, parts in items:
        for part in parts:
            part.hashes = key_hashes(part.typed, part.rtype), version_hashes(part.typed, part.rtype)
        yield rows, parts


def _ragged(faults: Faults) -> int:
    """Rows left out for having too many or too few cells."""
    return sum(f.code == "ragged" for f in faults)


def require_type(asked: str | None, types: Mapping[str, RecordType]) -> None:
    """Raise where an asked type is none."""
    if asked is not None and asked not in types:
        faults = Faults()
        faults.add("unknown_type", "--type", None, None, asked, nearest=nearest(asked, types))
        faults.require()

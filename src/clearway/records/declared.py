"""Record types: what a record of each type must and may hold.

In:     record-types.csv (the contract), labels.csv (Chinese names), further files of the same shape (packs)
Out:    RecordType, Field; the types by name
Not:    reading records (inputs, values.py), keeping them (lake)
Words:  family = event, return or register; key = the fields that make a record the same record;
        kind = what a field holds: a closed list, a count, a unit, a place, a moment …
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import polars as pl

from clearway.core.errors import Faults
from clearway.core.schema import nearest

COUNTS = frozenset({"parcels", "persons", "items", "units"})
AMOUNTS = frozenset({"number", "h", "CNY", "days", "degC"})
KINDS = COUNTS | AMOUNTS | {
    "text", "unit", "place", "place or unit", "timestamp", "date", "month", "year", "yes/no", "USCC", "person"
}  # fmt: skip
ORIGINS = ("observed", "simulated", "generated")
FAMILIES = ("event", "return", "register")
COLUMNS = (
    "type", "family", "field", "kind", "key", "subject", "unit_of_record", "time_of_record", "required", "meaning"
)  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One field of a record type; ``choices`` is the closed list of a ``one of`` kind."""

    name: str
    kind: str
    choices: tuple[str, ...]
    key: bool
    required: bool
    meaning: str
    zh: str
    meaning_zh: str

    @property
    def dtype(self) -> pl.DataType:
        """How the lake keeps it: times are local, without offset; months as ``2022-11``."""
        if self.kind in COUNTS or self.kind == "year":
            return pl.Int64()
        if self.kind in AMOUNTS:
            return pl.Float64()
        return {"timestamp": pl.Datetime("us"), "date": pl.Date(), "yes/no": pl.Boolean()}.get(self.kind, pl.String())


@dataclass(frozen=True)
class RecordType:
    """One record type: its fields in order, and which of them are its unit, time and subject."""

    name: str
    family: str
    zh: str
    fields: tuple[Field, ...]
    unit: str | None
    time: str
    subject: str | None

    def __getitem__(self, name: str) -> Field:
        return next(f for f in self.fields if f.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """Field names in declared order."""
        return tuple(f.name for f in self.fields)

    @property
    def key(self) -> tuple[str, ...]:
        """The fields that make a record the same record."""
        return tuple(f.name for f in self.fields if f.key)

    @property
    def by_day(self) -> bool:
        """Whether the lake keeps it by day; registers are kept whole, they are joined as of a time."""
        return self.family != "register"

    def free_text(self) -> tuple[str, ...]:
        """Fields that hold words of the sender's own, in which anything may stand."""
        names = {"item_id", "container", self.subject}
        return tuple(f.name for f in self.fields if f.kind == "text" and not f.key and f.name not in names)

    def aliases(self) -> dict[str, str]:
        """Accepted column names, folded: English and Chinese ones."""
        return {name.casefold(): f.name for f in self.fields for name in (f.name, f.zh) if name}


def _labels() -> dict[tuple[str, str], tuple[str, str]]:
    text = files("clearway.records").joinpath("labels.csv").read_text(encoding="utf-8")
    return {(r["type"], r["field"]): (r["zh"], r["meaning_zh"]) for r in csv.DictReader(io.StringIO(text))}


def _field(row: Mapping[str, str], labels: Mapping[tuple[str, str], tuple[str, str]]) -> Field:
    kind = row["kind"]
    choices = tuple(kind.removeprefix("one of ").split()) if kind.startswith("one of ") else ()
    zh, meaning_zh = labels.get((row["type"], row["field"])) or labels.get(("", row["field"])) or ("", "")
    return Field(
        name=row["field"],
        kind="choice" if choices else kind,
        choices=choices,
        key=row["key"] == "key",
        required=row["required"] == "required",
        meaning=row["meaning"],
        zh=zh,
        meaning_zh=meaning_zh,
    )


def _marked(rows: Sequence[Mapping[str, str]], column: str, mark: str) -> str | None:
    return next((r["field"] for r in rows if r[column] == mark), None)


def parse_types(text: str, file: str, faults: Faults) -> dict[str, RecordType]:
    """Record types from the text of a file shaped like record-types.csv; what is wrong goes to ``faults``."""
    reader = csv.DictReader(io.StringIO(text))
    missing = [c for c in COLUMNS if c not in (reader.fieldnames or ())]
    for column in missing:
        faults.add("missing_column", file, 1, column)
    if missing:
        return {}
    labels, grouped = _labels(), dict[str, list[dict[str, str]]]()
    for number, row in enumerate(reader, 2):
        kind = row["kind"]
        if kind not in KINDS and not kind.startswith("one of "):
            faults.add("unknown_kind", file, number, "kind", kind, nearest=nearest(kind, sorted(KINDS)))
        elif row["family"] not in FAMILIES:
            faults.add("unknown_kind", file, number, "family", row["family"], nearest=nearest(row["family"], FAMILIES))
        else:
            grouped.setdefault(row["type"], []).append(row)
    types: dict[str, RecordType] = {}
    for name, rows in grouped.items():
        time = _marked(rows, "time_of_record", "time")
        fields = tuple(_field(row, labels) for row in rows)
        if time is None or not any(f.key for f in fields):
            faults.add("type_without", file, None, "time_of_record" if time is None else "key", name)
            continue
        zh = labels.get((name, ""), ("", ""))[0]
        types[name] = RecordType(
            name, rows[0]["family"], zh, fields, _marked(rows, "unit_of_record", "unit"), time,
            _marked(rows, "subject", "subject"),
        )  # fmt: skip
    return types


@cache
def record_types() -> dict[str, RecordType]:
    """The record types of the contract, by name, in declared order."""
    text = files("clearway.records").joinpath("record-types.csv").read_text(encoding="utf-8")
    faults = Faults()
    types = parse_types(text, "record-types.csv", faults)
    faults.require()
    return types


def with_types(paths: Sequence[Path]) -> dict[str, RecordType]:
    """The contract's types and those of further files; a type may be added, never changed.

    Raises
    ------
    InputError
        With every fault of the files.
    """
    types, faults = dict(record_types()), Faults()
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            faults.add("not_utf8", path.name)
            continue
        for name, added in parse_types(text, path.name, faults).items():
            if name in types and types[name] != added:
                faults.add("type_twice", path.name, None, "type", name)
            types.setdefault(name, added)
    faults.require()
    return types

"""Declared columns and closed lists: what a table may hold.

In:     columns.csv of a room, core/choices.csv
Out:    Schema, Column; closed lists; the known name nearest to a misspelt one
Not:    reading tables (tables.py)
Words:  schema = the declared columns of one table; choice = a value of a closed list
"""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl

POLARS_TYPES: dict[str, Any] = {
    "id": pl.String,
    "text": pl.String,
    "choice": pl.String,
    "choices": pl.String,
    "ids": pl.String,
    "number": pl.Float64,
    "bool": pl.Boolean,
    "date": pl.Date,
    "time": pl.Datetime("us"),
    "clock": pl.String,
    "clocks": pl.String,
}


@dataclass(frozen=True)
class Column:
    """One declared column; ``minimum`` and ``maximum`` bound a number, ``above`` strictly."""

    name: str
    zh: tuple[str, ...]
    type: str
    required: bool
    unique: bool
    minimum: float | None
    above: float | None
    maximum: float | None
    choices: str
    unit: str
    default: str
    meaning: str
    meaning_zh: str


@dataclass(frozen=True)
class Schema:
    """The declared columns of one table, and the table's Chinese names."""

    table: str
    zh: tuple[str, ...]
    columns: tuple[Column, ...]

    def __getitem__(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    @property
    def names(self) -> list[str]:
        """Column names in declared order."""
        return [c.name for c in self.columns]

    def empty(self) -> pl.DataFrame:
        """A frame of this schema with no rows."""
        return pl.DataFrame(schema={c.name: POLARS_TYPES[c.type] for c in self.columns})


def _number(text: str) -> float | None:
    return float(text) if text else None


@cache
def load_schemas(package: str) -> dict[str, Schema]:
    """Schemas declared in the ``columns.csv`` of a room, by table."""
    text = files(package).joinpath("columns.csv").read_text(encoding="utf-8")
    grouped: dict[str, tuple[tuple[str, ...], list[Column]]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        _, columns = grouped.setdefault(row["table"], (tuple(row["table_zh"].split("|")), []))
        columns.append(
            Column(
                name=row["column"],
                zh=tuple(row["zh"].split("|")),
                type=row["type"],
                required=row["required"] == "1",
                unique=row["unique"] == "1",
                minimum=_number(row["min"]),
                above=_number(row["above"]),
                maximum=_number(row["max"]),
                choices=row["choices"],
                unit=row["unit"],
                default=row["default"],
                meaning=row["meaning"],
                meaning_zh=row["meaning_zh"],
            )
        )
    return {table: Schema(table, zh, tuple(columns)) for table, (zh, columns) in grouped.items()}


@cache
def load_choices() -> dict[str, dict[str, str]]:
    """Closed lists: list name -> {accepted spelling: canonical value}, from core/choices.csv."""
    text = files("clearway.core").joinpath("choices.csv").read_text(encoding="utf-8")
    lists: dict[str, dict[str, str]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        spellings = lists.setdefault(row["list"], {})
        for spelling in (row["value"], *row["zh"].split("|")):
            spellings[spelling.casefold()] = row["value"]
    return lists


def choice_values(name: str) -> list[str]:
    """Canonical values of a closed list, in declared order."""
    return list(dict.fromkeys(load_choices()[name].values()))


def resembles(name: str, known: Iterable[str]) -> bool:
    """Whether a name looks like a misspelt known one."""
    return bool(difflib.get_close_matches(name.casefold(), [k for k in known if k], n=1, cutoff=0.8))


def nearest(name: object, known: Iterable[str]) -> str:
    """The known name most like ``name``; the first few known names where none is alike."""
    known = [k for k in known if k]
    found = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    if found:
        return f"'{found[0]}'"
    return ", ".join(f"'{k}'" for k in known[:4]) + (" …" if len(known) > 4 else "")

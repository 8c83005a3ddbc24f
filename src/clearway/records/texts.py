"""Cells as texts: blanks, whole floats, spellings of closed lists.

In:     columns as they stand in a file, choices.csv
Out:    regular texts, the values that spellings stand for
Not:    what a text means (values.py)
"""

from __future__ import annotations

import csv
import io
from functools import cache
from importlib.resources import files

import polars as pl


@cache
def _chinese_choices() -> dict[str, dict[str, str]]:
    """Chinese words of values, by the field they are of; the empty field is any."""
    text = files("clearway.records").joinpath("choices.csv").read_text(encoding="utf-8")
    table: dict[str, dict[str, str]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        table.setdefault(row["value"], {})[row["field"]] = row["zh"]
    return table


@cache
def choice_spellings(choices: tuple[str, ...]) -> dict[str, str]:
    """Accepted spellings of a closed list, folded, with the value each stands for."""
    spellings = {value.casefold(): value for value in choices}
    for value in choices:
        for zh in _chinese_choices().get(value, {}).values():
            spellings.setdefault(zh, value)
    return spellings


def choice_label(value: str, field: str) -> str:
    """The Chinese word for a value of a field's closed list; the value itself where there is none."""
    words = _chinese_choices().get(value, {})
    return words.get(field) or words.get("", value)


def plain_text(cells: pl.Series) -> pl.Series:
    """Cells as text, whole floats without ``.0``; texts are taken as they are (:func:`trimmed` comes first)."""
    if cells.dtype.is_float():
        whole = cells.cast(pl.Int64, strict=False)
        same = (whole.cast(pl.Float64) == cells).fill_null(False)
        cells = whole.cast(pl.String).zip_with(same, cells.cast(pl.String))
    elif cells.dtype == pl.Categorical or isinstance(cells.dtype, pl.Enum):
        cells = cells.cast(pl.String)
    elif isinstance(cells.dtype, pl.Datetime):
        cells = cells.dt.strftime("%Y-%m-%d %H:%M:%S%.f")
    elif cells.dtype == pl.Boolean:
        cells = pl.select(pl.when(cells).then(pl.lit("yes")).when(~cells).then(pl.lit("no"))).to_series()
    elif cells.dtype.is_nested() or cells.dtype == pl.Binary:
        return pl.Series(cells.name, [None if v is None else str(v) for v in cells.to_list()], dtype=pl.String)
    return cells if cells.dtype == pl.String else trimmed(cells.cast(pl.String, strict=False))


def glimpse(cells: pl.Series) -> pl.Series:
    """The values to look at to know whether any is odd: distinct ones where few recur, else all."""
    few = cells.head(2_000).n_unique() < 100 and len(cells) > 10_000
    return cells.unique() if few else cells


def trimmed(text: pl.Series) -> pl.Series:
    """Texts without blanks around them; empty ones null. What needs no change, or is no text, is not made anew."""
    if text.dtype != pl.String:
        return text
    odd = glimpse(text).str.contains(r"^$|^[\s\u{a0}\u{3000}\u{feff}]|[\s\u{a0}\u{3000}\u{feff}]$").fill_null(False)
    if not odd.any():
        return text
    tidy = text.str.strip_chars(" \t\r\n\u3000\u00a0\ufeff")
    return tidy.set((tidy == "").fill_null(False), None)

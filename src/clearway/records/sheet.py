"""What is wrong with the rows of a batch: faults with their place, and a reason for each row.

In:     masks of rows, codes of faults
Out:    faults by row and field; for each row at fault all that is wrong with it, in both languages
Not:    finding what is wrong (values.py, lake.store)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from clearway.core.errors import KEPT_FAULTS, Fault, Faults
from clearway.core.schema import nearest
from clearway.records.privacy import masked


class Sheet:
    """Rows of one batch, by their numbers in the file, and what was found wrong with them.

    Its faults are its own, by position, until :meth:`tell` hands them over: several batches may be worked on
    at a time.
    """

    def __init__(self, file: str, numbers: pl.Series) -> None:
        self.file = file
        self.numbers = numbers
        self.faults = Faults()
        self.reasons: list[pl.Series] = []

    def part(self, mask: pl.Series) -> Sheet:
        """The sheet of some of the rows, with what is known to be wrong with them."""
        part = Sheet(self.file, self.numbers.filter(mask))
        part.reasons = [reason.filter(mask) for reason in self.reasons]
        return part

    def tell(self, faults: Faults) -> None:
        """Hand what was found to the faults of the file, by row."""
        numbered = [
            Fault(f.code, f.file, None if f.row is None else int(self.numbers[f.row]), f.column, f.value, f.details)
            for f in self.faults.faults
        ]
        numbered.sort(key=lambda f: f.row or 0)
        faults.faults += numbered[: max(0, KEPT_FAULTS - len(faults.faults))]
        faults.total += self.faults.total
        self.faults = Faults()

    def conflicts(self, found: Mapping[str, list[int]], good: pl.Series, keys: pl.Series) -> None:
        """Note rows that were refused for their key, by their positions among the good ones."""
        for code, at in found.items():
            none = pl.repeat(False, len(keys), dtype=pl.Boolean, eager=True)
            self.bad(none.scatter(good.arg_true().gather(at), True), code, keys.name, keys)

    def bad(
        self, mask: pl.Series, code: str, column: str | None, cells: pl.Series | None = None, **details: Any
    ) -> None:
        """Note a fault in every row of a mask; ``details`` may hold ``known``, for the nearest known value."""
        if not mask.any():
            return
        known = details.pop("known", None)
        alike = details.pop("alike", None)
        hit = mask.arg_true()
        values = cells.gather(hit).to_list() if cells is not None else [None] * len(hit)
        near: dict[Any, str] = {}
        general: Fault | None = None
        for index, value in zip(hit.to_list(), values, strict=True):
            shown = None if value is None else masked(str(value))[:80]
            if self.faults.full:
                self.faults.total += 1
                continue
            if known is not None or alike is not None:
                if value not in near:
                    near[value] = alike(str(value)) if alike is not None else nearest(value, known)
                details["nearest"] = near[value]
            self.faults.add(code, self.file, index, column, shown, **details)
            general = general or self.faults.faults[-1]
        told = code if general is None else f"{_general(general, 'en')} / {_general(general, 'zh')}"
        told += "" if column is None else f" ({column})"
        self.reasons.append(pl.select(pl.when(mask).then(pl.lit(told))).to_series())

    @property
    def at_fault(self) -> pl.Series:
        """Rows with any fault."""
        none = pl.repeat(False, len(self.numbers), dtype=pl.Boolean, eager=True)
        for reason in self.reasons:
            none = none | reason.is_not_null()
        return none

    def reason(self) -> pl.Series:
        """All that is wrong with each row, as one text; null where nothing is."""
        if not self.reasons:
            return pl.Series("reason", [None] * len(self.numbers), dtype=pl.String)
        frame = pl.DataFrame([s.alias(str(i)) for i, s in enumerate(self.reasons)])
        told = frame.select(pl.concat_str(pl.all(), separator="; ", ignore_nulls=True)).to_series()
        return told.set(told == "", None).alias("reason")


def _general(fault: Fault, lang: str) -> str:
    """What is wrong, without the part that holds for one value only."""
    return fault.problem(lang) if "nearest" not in dict(fault.details) else re.split("[;；]", fault.problem(lang))[0]

"""What both engines give: values of measures, and what is needed to judge them.

In:     (nothing)
Out:    Window, Job, Figures and their columns
Not:    computing (compiled, oracle), judging (judging.py)
Words:  numerator and denominator are what the value is formed of; expected = reports due, reported = reports there;
        left out = records that cannot be judged yet; sample = how many were looked at, low and high = the ends of
        the 95 % interval (Wilson) of what they tell
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from clearway.rules.declared import Edition, Measure

VALUES: dict[str, Any] = {
    "unit": pl.String, "period": pl.String, "first": pl.Date, "last": pl.Date, "numerator": pl.Float64,
    "denominator": pl.Float64, "value": pl.Float64, "expected": pl.Int64, "reported": pl.Int64, "left_out": pl.Int64,
    "sample": pl.Float64, "low": pl.Float64, "high": pl.Float64,
}  # fmt: skip
CLOCKS: dict[str, Any] = {
    "unit": pl.String, "period": pl.String, "first": pl.Date, "last": pl.Date, "subject": pl.String,
    "day": pl.Date, "elapsed": pl.Float64, "open": pl.Boolean,
}  # fmt: skip


@dataclass(frozen=True)
class Window:
    """What is evaluated: periods within ``first`` to ``last``, as known at ``now``."""

    first: date
    last: date
    now: datetime


@dataclass(frozen=True)
class Job:
    """One edition of a measure and the days of records it judges."""

    measure: Measure
    edition: Edition
    first: date
    last: date


@dataclass(frozen=True)
class Figures:
    """Values by measure; of durations the clocks, from which values follow."""

    values: dict[str, pl.DataFrame]
    clocks: dict[str, pl.DataFrame]


def no_values() -> pl.DataFrame:
    """A frame of values without rows."""
    return pl.DataFrame(schema=VALUES)


def wilson(found: float, tried: float, size: float) -> tuple[float, float]:
    """The 95 % interval of a share seen in a sample of ``size``.

    Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927), 209-212.

    >>> tuple(round(x, 3) for x in wilson(90, 100, 100))
    (0.826, 0.945)
    """
    z, share = 1.959963984540054, found / tried
    middle = share + z * z / (2 * size)
    half = z * (share * (1 - share) / size + z * z / (4 * size * size)) ** 0.5
    scale = 1 + z * z / size
    return (middle - half) / scale, (middle + half) / scale

"""Small steps of the interpreter: moments, exact sums, places above a place.

In:     values of records
Out:    values
Not:    meaning
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from clearway.records import places_above
from clearway.rules.periods import Period

Row = dict[str, Any]
DAY = timedelta(days=1)
CENT = Decimal("0.000001")
TEST = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def value_row(period: Period, above: Any, below: Any, scale: float) -> Row:
    """A value formed once from what it is made of."""
    n = None if above is None else float(above)
    d = None if below is None else float(below)
    value = None if n is None or d == 0 else n * scale if d is None else n / d * scale
    return {"period": period, "numerator": n, "denominator": d, "value": value, "expected": None, "reported": None,
            "left_out": 0, "sample": None, "low": None, "high": None}  # fmt: skip


def exact_sum(values: Iterable[Any]) -> Decimal:
    """A sum of exact decimals."""
    return sum((Decimal(str(v)).quantize(CENT) for v in values if v is not None), Decimal(0))


def as_moment(value: Any) -> datetime:
    """A day as the moment it begins; a moment as it is."""
    return value if isinstance(value, datetime) else datetime.combine(value, time())


def moment_of(value: Any, kind: str) -> datetime:
    """The moment of a record: months and years begin on their first day."""
    if kind == "month":
        return datetime.combine(date.fromisoformat(f"{value}-01"), time())
    return datetime(value, 1, 1) if kind == "year" else as_moment(value)


def alike(a: Any, b: Any) -> tuple[Any, Any]:
    """A day beside a moment is the moment it begins."""
    if isinstance(a, date) and isinstance(b, date) and isinstance(a, datetime) != isinstance(b, datetime):
        return as_moment(a), as_moment(b)
    return a, b


def coded_places() -> set[str]:
    """Codes of all places there are."""
    from clearway.core.places import all_places

    return {p.code for p in all_places()}


def is_district(place: str) -> bool:
    """Whether a place is a district of a city."""
    from clearway.core.places import all_places

    return any(p.code == place and p.level == "county" and p.name.endswith("区") for p in all_places())


def place_above(place: Any, level: str) -> str | None:
    """The city or province of a place."""
    if place is None:
        return None
    for code in places_above(place):
        if level == "province" and code.endswith("0000"):
            return code
        if level == "city" and code.endswith("00"):
            return None if code.endswith("0000") else code
    return None

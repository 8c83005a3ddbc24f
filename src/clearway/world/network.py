"""Units of a world: a case's facilities, and around each of them outlets, villages, stations; operators, bureaus.

In:     a case, how many outlets and villages a hub has
Out:    rows of the register of units
Not:    what they report (usual.py)
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from clearway.core.places import all_places
from clearway.records import code_stood, lies_in

if TYPE_CHECKING:
    from clearway.cases import Case

OPERATORS = ("op-jia", "op-yi", "op-bing")
SHANGHAI = "310000"


def counties_below(place: str, years: tuple[int, int]) -> list[str]:
    """Counties within a place that kept their codes over some years."""
    return [
        p.code
        for p in all_places()
        if p.level == "county" and lies_in(p.code, [place]) and all(code_stood(p.code, y) for y in years)
    ]


def units_of(case: Case, first: date, outlets: int = 2, villages: int = 2) -> list[dict[str, Any]]:
    """Rows of the register of units, there since three years before ``first``."""
    since, years = first - timedelta(days=1096), (first.year - 3, first.year)
    rows: list[dict[str, Any]] = []
    provinces: dict[str, None] = {}

    def add(unit: str, kind: str, place: str, **more: Any) -> None:
        rows.append({"id": unit, "kind": kind, "place": place, "from": since, **more})

    for name in OPERATORS:
        add(name, "operator", "110000", name=f"企业 {name[3:]}")
    facilities = case.facilities.filter(~case.facilities["candidate"].fill_null(False))
    for n, (hub, title, kind, place, storage) in enumerate(
        facilities.select("id", "name", "kind", "place", "storage").iter_rows()
    ):
        operator = OPERATORS[n % len(OPERATORS)]
        code = place if place.isdigit() and len(place) == 6 else SHANGHAI
        provinces[code[:2] + "0000"] = None
        held = None if storage is None else round(storage)
        add(hub, kind, code, operator=operator, storage=held, name=title)
        below = counties_below(code, years) or [code]
        for k in range(outlets):
            add(f"{hub}-N{k}", "outlet", below[k % len(below)], operator=operator, parent=hub)
        for k in range(villages):
            place_of = below[-1 - k % len(below)]
            add(f"{hub}-V{k}", "village", place_of, parent=f"{hub}-N{k % max(1, outlets)}")
            add(f"{hub}-S{k}", "station", place_of, operator=operator, parent=f"{hub}-V{k}")
    for province in provinces:
        add(f"B{province}", "bureau", province)
    if SHANGHAI in provinces:
        add(f"X{SHANGHAI}", "exchange-office", SHANGHAI, operator=OPERATORS[0])
    return rows

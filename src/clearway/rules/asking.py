"""What packs ask of units: the returns that no scan can take the place of, and how many fields a day they are.

In:     packs, how often which returns are expected of which kinds of units
Out:    Asked, by kind of unit and return
Not:    whether they came (clearway.records.completeness)
Words:  field = one that a rule uses, or that says whose return of which day it is
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from clearway.records import Lake, expectations, record_types
from clearway.rules.conditions import fields_in
from clearway.rules.declared import Edition, Packs

_DAYS = {"day": 1, "week": 7, "month": 30}


@dataclass(frozen=True)
class Asked:
    """A return of a kind of unit: how often, the fields rules need of it, how many rules there are."""

    kind: str
    type: str
    every: str
    season: str
    fields: tuple[str, ...]
    rules: int

    @property
    def a_day(self) -> float:
        """Fields a day."""
        return len(self.fields) / _DAYS[self.every]


def burden(packs: Packs, lake: Lake | None = None) -> list[Asked]:
    """What is asked of each kind of unit, by what the lake expects, or where none is given what is usual."""
    types = lake.types if lake is not None else record_types()
    rules: dict[str, set[str]] = {}
    names: dict[str, set[str]] = {}
    for rule in packs.rules.values():
        for edition in packs.measures[rule.measure].editions:
            if edition.of and types[edition.of].family == "return":
                rules.setdefault(edition.of, set()).add(rule.id)
                names.setdefault(edition.of, set()).update(_heads(edition))
    found = []
    for expected in expectations(lake):
        rtype = types[expected.type]
        if rtype.family != "return":
            continue  # scans are there anyway
        used = names.get(rtype.name, set()) | set(rtype.key)
        fields = tuple(n for n in rtype.names if n in used)
        count = len(rules.get(rtype.name, ()))
        found += [Asked(k, rtype.name, expected.every, expected.season, fields, count) for k in expected.kinds]
    return sorted(found, key=lambda a: (a.kind, bool(a.season), a.type))


def _heads(edition: Edition) -> Iterable[str]:
    named = edition.fields | {f.name for c in edition.conditions for f in fields_in(c)}
    return {name.split(".", 1)[0] for name in named}

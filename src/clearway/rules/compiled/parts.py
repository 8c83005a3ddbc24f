"""Counts and sums of measures over one pass of a record type, built with Ibis.

In:     prepared relations, definitions of the kinds count, share, sum, ratio and stock
Out:    an Ibis table with one row for each combination of unit fields and day: the parts of each definition
Not:    values of periods (sums.py), related records (nearby.py)
Words:  parts = n numerator, d denominator, l left out since it cannot be judged yet, s size of a sample, b records of
        the base
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import ibis

from clearway.rules.compiled.nearby import counted, looked_up
from clearway.rules.compiled.relations import Prepared, now
from clearway.rules.compiled.sums import NATION, due_after
from clearway.rules.compiled.terms import holds
from clearway.rules.conditions import related_in
from clearway.rules.declared import Edition
from clearway.rules.resolving import Ranks


def daily(prepared: Prepared, editions: Sequence[Edition], ranks: Ranks) -> Any:
    """The parts of each definition, named by its number: ``0.n``, ``0.d`` …"""
    keys = sorted({e.unit_field for e in editions} - {NATION})
    parts = {f"{i}.{p}": c for i, e in enumerate(editions) for p, c in _parts(prepared, e, ranks).items()}
    return prepared.table.group_by([*keys, "_day"]).aggregate(**parts)


def daily_around(prepared: Prepared, edition: Edition, ranks: Ranks) -> Any:
    """The parts of one definition that looks for related records: for the records of its base only."""
    known = counted(prepared, edition.base, ranks)
    around = (r for c in (edition.match, edition.adds, edition.takes) for r in related_in(c))
    return daily(looked_up(known, around, ranks), [replace(edition, base=None)], ranks)


def _parts(prepared: Prepared, edition: Edition, ranks: Ranks) -> dict[str, Any]:
    table = prepared.table

    def held(condition: Any) -> Any:
        return holds(condition, table, ranks, prepared.related)

    base = held(edition.base)
    if edition.kind == "level":
        moved = (base & held(edition.adds)).sum() - (base & held(edition.takes)).sum()
        return {"n": moved, "b": base.sum()}
    if edition.kind == "count":
        return {"n": base.sum(), "b": base.sum()}
    if edition.kind == "share":
        parts = {"b": base.sum()}
        wait = due_after(edition)
        if wait is not None or edition.ripe:
            moment = table[edition.ripe].cast("timestamp") if edition.ripe else table["_time"]
            due = moment <= now()
            if wait is not None and not edition.ripe:
                due = moment <= now() - ibis.interval(microseconds=wait // timedelta(microseconds=1))
            due = due.fill_null(False)
            parts["l"] = (base & ~due).sum()
            base = base & due
        return {**parts, "n": (base & held(edition.match)).sum(), "d": base.sum()}
    parts = {"n": _exact(table[edition.value]).sum(where=base), "b": base.sum()}
    if edition.over:
        parts["d"] = _exact(table[edition.over]).sum(where=base)
    if edition.sampled:
        parts["s"] = table[edition.sampled].sum(where=base)
    return parts


def _exact(column: Any) -> Any:
    return column.cast("decimal(18, 6)")

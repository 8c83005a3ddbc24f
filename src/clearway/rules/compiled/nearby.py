"""Related records by joins: only the records that are judged are looked up, not every record of the type.

In:     a prepared type: the records judged and those around them
Out:    the records judged with a column for each related record; those that meet a condition
Not:    conditions of one record (terms.py)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import ibis

from clearway.rules.compiled.relations import Prepared
from clearway.rules.compiled.terms import filtered
from clearway.rules.conditions import Condition, Related, related_in
from clearway.rules.resolving import Ranks


def looked_up(prepared: Prepared, related: Iterable[Related], ranks: Ranks) -> Prepared:
    """The same with a column for each of some related records."""
    judged, key, columns = prepared.table, prepared.key, dict(prepared.related)
    for one in related:
        if one in columns:
            continue
        name = f"_near{len(columns)}"
        found = _found(judged, prepared.around, one, key, ranks)
        side = found.select(**{f"_hit_{k}": found[k] for k in key})
        joined = judged.left_join(side, [judged[k] == side[f"_hit_{k}"] for k in key])
        hit = joined[f"_hit_{key[0]}"].notnull()
        judged = joined.mutate(**{name: hit}).drop(*(f"_hit_{k}" for k in key))
        columns[one] = name
    return replace(prepared, table=judged, related=columns)


def counted(prepared: Prepared, base: Condition | None, ranks: Ranks) -> Prepared:
    """Only the records that meet a condition."""
    known = looked_up(prepared, related_in(base), ranks)
    return replace(known, table=filtered(known.table, base, ranks, known.related))


def _found(judged: Any, around: Any, one: Related, key: Sequence[str], ranks: Ranks) -> Any:
    """Keys of the records that have such a related record."""
    pairs = _pairs(judged, around, one, key, ranks)
    if one.between is None:
        counted = pairs.group_by(list(key)).aggregate(_many=pairs.count())
        return counted.filter(counted["_many"] >= one.count).select(*key)
    apart = pairs["_gap"] != 0
    nearest = pairs.group_by(list(key)).aggregate(_at_once=(~apart).any(), _near=pairs["_gap"].abs().min(where=apart))
    barred = replace(one, where=one.between, between=None)
    walls = _pairs(judged, around, barred, key, ranks)
    walls = walls.filter(walls["_gap"] != 0)
    wall = walls.group_by([walls[k].name(f"_wall_{k}") for k in key]).aggregate(_wall=walls["_gap"].abs().min())
    both = nearest.left_join(wall, [nearest[k] == wall[f"_wall_{k}"] for k in key])
    clear = both["_near"].notnull() & (both["_wall"].isnull() | (both["_near"] <= both["_wall"]))
    return both.filter(both["_at_once"] | clear).select(*key)


def _pairs(judged: Any, around: Any, one: Related, key: Sequence[str], ranks: Ranks) -> Any:
    """Records judged beside others of the same subject that are as asked; ``_gap`` is microseconds from one on."""
    others = filtered(around, one.where, ranks)
    others = others.select(
        _of=others[one.subject], _then=others["_time"], **{f"_same_{n}": others[n] for n in one.same},
        **{f"_id_{k}": others[k] for k in key},
    ).view()  # fmt: skip
    left = judged.select(*dict.fromkeys([*key, one.subject, *one.same, "_time"]))
    here, reach = left["_time"], ibis.interval(microseconds=one.within // timedelta(microseconds=1))
    on = [left[one.subject] == others["_of"], *(left[n] == others[f"_same_{n}"] for n in one.same)]
    on.append(others["_then"] >= (here if one.side == "after" else here - reach))
    on.append(others["_then"] <= (here if one.side == "before" else here + reach))
    joined = left.inner_join(others, on)
    itself = joined[key[0]] == joined[f"_id_{key[0]}"]
    for k in key[1:]:
        itself = itself & (joined[k] == joined[f"_id_{k}"])
    rest = joined.filter(~itself)
    return rest.mutate(_gap=rest["_then"].delta(rest["_time"], unit="microsecond"))

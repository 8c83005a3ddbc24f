"""Related records by joins: only the records that are judged are looked up, not every record of the type.

In:     a prepared type with the records around, the records judged
Out:    the records judged with a column for each related record
Not:    related records in a measure's base, which decide what is judged: those are windows (terms.py)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import ibis

from clearway.rules.compiled.bench import Prepared
from clearway.rules.compiled.terms import Ranks, holds
from clearway.rules.conditions import Related
from clearway.rules.declared import LOOK_BACK


def looked_up(judged: Any, around: Any, related: Sequence[Related], key: Sequence[str], ranks: Ranks) -> Prepared:
    """The records judged, a column for each related record; ``key`` tells records apart."""
    columns = {}
    for number, one in enumerate(related):
        name = f"_near{number}"
        found = _found(judged, around, one, key, ranks)
        side = found.select(**{f"_hit_{k}": found[k] for k in key})
        joined = judged.left_join(side, [judged[k] == side[f"_hit_{k}"] for k in key])
        hit = joined[f"_hit_{key[0]}"].notnull()
        judged = joined.mutate(**{name: hit}).drop(*(f"_hit_{k}" for k in key))
        columns[one] = name
    return Prepared(judged, columns)


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
    others = around.filter(holds(one.where, around, ranks, {}))
    others = others.select(
        _of=others[one.subject], _then=others["_time"], **{f"_same_{n}": others[n] for n in one.same},
        **{f"_id_{k}": others[k] for k in key},
    ).view()  # fmt: skip
    left = judged.select(*dict.fromkeys([*key, one.subject, *one.same, "_time"]))
    here, span = left["_time"], LOOK_BACK * 4 if one.within is None else one.within
    reach = ibis.interval(microseconds=span // timedelta(microseconds=1))
    on = [left[one.subject] == others["_of"], *(left[n] == others[f"_same_{n}"] for n in one.same)]
    on.append(others["_then"] >= (here if one.side == "after" else here - reach))
    on.append(others["_then"] <= (here if one.side == "before" else here + reach))
    joined = left.inner_join(others, on)
    itself = joined[key[0]] == joined[f"_id_{key[0]}"]
    for k in key[1:]:
        itself = itself & (joined[k] == joined[f"_id_{k}"])
    rest = joined.filter(~itself)
    return rest.mutate(_gap=rest["_then"].delta(rest["_time"], unit="microsecond"))

"""What the columns of a table are: fields of a type, marks around them, or about people.

In:     column names, record types
Out:    which type a table is; a batch under declared names; what is dropped
Not:    cells (values.py)
Words:  envelope = columns that any table may have beside its fields: when a record became known, a nil return
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from clearway.core.errors import Faults
from clearway.core.schema import nearest
from clearway.records.declared import RecordType
from clearway.records.privacy import is_personal

REASON = "rejected_because"
# a mark that workbook.py puts beside rows with merged cells
MERGED = "\ue000merged"
# any table may have these; closed lists of their spellings
ENVELOPE = {
    MERGED: "merged",
    "known_from": "known_from", "获知时间": "known_from",
    "nil": "nil", "零报告": "nil",
    "origin_of_batch": "origin", "数据来源": "origin",
    "source": "source", "来源": "source",
    REASON: "reason", "退回原因": "reason",
}  # fmt: skip


@dataclass(frozen=True)
class Matched:
    """A table's columns: fields by declared name, the envelope by name, what is dropped; the rest is unknown."""

    fields: dict[str, str]
    envelope: dict[str, str]
    personal: tuple[str, ...]
    unknown: tuple[str, ...]
    twice: tuple[str, ...]


def _bare(name: str) -> str:
    """A heading without marks of the template: 日期 *, day（必填）."""
    return name.replace("（必填）", "").replace("(required)", "").strip().rstrip("*").strip().casefold()


def match_columns(columns: Sequence[str], rtype: RecordType) -> Matched:
    """Which column of a table is which field."""
    aliases = rtype.aliases()
    fields: dict[str, str] = {}
    envelope: dict[str, str] = {}
    twice, rest = [], []
    for column in columns:
        bare = _bare(column)
        name = aliases.get(bare)
        if name is not None:
            if name in fields.values():
                twice.append(column)
            else:
                fields[column] = name
        elif bare in ENVELOPE and ENVELOPE[bare] not in envelope.values():
            envelope[column] = ENVELOPE[bare]
        else:
            rest.append(column)
    personal = [c for c in rest if is_personal(c)]
    unknown = [c for c in rest if c not in personal]
    return Matched(fields, envelope, tuple(personal), tuple(unknown), tuple(twice))


def detect_type(
    columns: Sequence[str], types: Mapping[str, RecordType], hint: str, file: str, faults: Faults
) -> RecordType | None:
    """The type a table is of: by the name of file or sheet, else the only one all of whose columns fit."""
    named = [t for t in types.values() if hint and (t.name == hint or t.zh == hint)]
    if named:
        return named[0]
    fitting = []
    best: tuple[int, str] = (0, "")
    for rtype in types.values():
        matched = match_columns(columns, rtype)
        required = {f.name for f in rtype.fields if f.required}
        score = len(matched.fields) - len(matched.unknown)
        best = max(best, (score, rtype.name))
        if required <= set(matched.fields.values()) and not matched.unknown and matched.fields:
            fitting.append(rtype)
    starts = [t for t in fitting if hint.startswith(t.name)]
    if len(starts) == 1:
        return starts[0]
    if len(fitting) == 1:
        return fitting[0]
    if len(fitting) > 1:
        most = max(len(match_columns(columns, t).fields) for t in fitting)
        closest = [t for t in fitting if len(t.fields) == min(len(t.fields) for t in fitting)]
        if most and len(closest) == 1:
            return closest[0]
        faults.add("which_type", file, 1, None, None, seen=", ".join(t.name for t in fitting))
        return None
    reason = f"nearest is '{best[1]}'" if best[1] else "no column is known"
    if best[1]:
        rtype = types[best[1]]
        matched = match_columns(columns, rtype)
        lacking = [f.name for f in rtype.fields if f.required and f.name not in matched.fields.values()]
        reason += (f", without {', '.join(lacking)}" if lacking else "") + (
            f", with unknown {', '.join(matched.unknown[:5])}" if matched.unknown else ""
        )
    faults.add("no_type", file, 1, None, None, reason=reason)
    return None


def column_faults(matched: Matched, rtype: RecordType, file: str, faults: Faults) -> bool:
    """Tell unknown, repeated and missing columns; true where the table cannot be read."""
    known = [*rtype.names, *(f.zh for f in rtype.fields), *ENVELOPE]
    for column in matched.unknown:
        faults.add("unknown_column", file, 1, column, nearest=nearest(column, known))
    for column in matched.twice:
        faults.add("repeated_column", file, 1, column)
    missing = [f.name for f in rtype.fields if f.required and f.name not in matched.fields.values()]
    for column in missing:
        faults.add("missing_column", file, 1, column)
    for column in matched.personal:
        faults.warn("personal_dropped", file, 1, column)
    return bool(matched.unknown or matched.twice or missing)


def without(batch: pl.DataFrame, matched: Matched) -> pl.DataFrame:
    """The batch as it came, without what is about people and our own marks."""
    return batch.drop([c for c in (*matched.personal, MERGED) if c in batch.columns])

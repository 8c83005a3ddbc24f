"""Rows made by a program as a frame of their record type.

In:     rows of plain values
Out:    a frame that can be written and taken in
Not:    rows read from files (inputs), checking them (values.py)
"""

from __future__ import annotations

from typing import Any

import polars as pl

from clearway.records.declared import RecordType


def frame_of(rows: list[dict[str, Any]], rtype: RecordType) -> pl.DataFrame:
    """Rows as a frame with the columns that are used; yes and no as such."""
    names = [f.name for f in rtype.fields if any(f.name in r for r in rows)]
    extra = sorted({k for r in rows for k in r} - set(rtype.names))
    if extra:
        raise KeyError(f"{extra[0]!r} is no field of {rtype.name}")
    data = {n: [_plain(r.get(n), rtype[n].kind) for r in rows] for n in names}
    return pl.DataFrame(data, schema={n: rtype[n].dtype for n in names}, strict=False)


def _plain(value: Any, kind: str) -> Any:
    if kind == "yes/no" and isinstance(value, str):
        return value == "yes"
    return value

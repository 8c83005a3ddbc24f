"""The one-line form of a disruption, as ``--disrupt`` takes it.

In:     'closed facility 440100 2022-11-10T08:00 2022-11-12T20:00',
        'capacity place 31 2022-11-11 factor=0.5 rows=sort,deliver'
Out:    a frame of disruptions with ids of its own
Not:    checking targets (read.py)
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import polars as pl

from clearway.core.errors import Faults
from clearway.core.raw import frame_table
from clearway.core.tables import read_table
from clearway.disruption.read import SCHEMAS

_OPTIONS = ("factor", "hours", "rows", "known_from", "source", "id")


def disruptions_from_text(lines: Sequence[str], taken: Sequence[str], zone: ZoneInfo, faults: Faults) -> pl.DataFrame:
    """Parse one-line disruptions; ids are ``extra-1``, ``extra-2`` … unless ``id=`` is given.

    A line that is not understood becomes a fault whose file is ``--disrupt`` and whose row is
    the line's number.
    """
    records: list[dict[str, str | None]] = []
    used = set(taken)
    for number, line in enumerate(lines, start=1):
        record = _record(line)
        if record is None:
            faults.add("disrupt_text", "--disrupt", number, None, line)
            continue
        name, serial = record["id"], 1
        while name is None:
            if f"extra-{serial}" not in used:
                name = f"extra-{serial}"
            serial += 1
        record["id"] = name
        used.add(name)
        records.append(record)
    schema = SCHEMAS["disruptions"]
    frame = pl.DataFrame(records, schema=dict.fromkeys(schema.names, pl.String))
    return read_table(frame_table(frame, "--disrupt"), schema, faults, zone=zone, first_row=1)


def _record(line: str) -> dict[str, str | None] | None:
    try:
        words = shlex.split(line)
    except ValueError:
        return None
    plain = [w for w in words if "=" not in w]
    options = dict(w.split("=", 1) for w in words if "=" in w)
    if not 4 <= len(plain) <= 5 or set(options) - set(_OPTIONS):
        return None
    record: dict[str, str | None] = dict.fromkeys(SCHEMAS["disruptions"].names)
    record.update(zip(("kind", "target_type", "target", "start", "end"), plain, strict=False))
    record.update(options)
    if record["rows"]:
        record["rows"] = record["rows"].replace(",", " ")
    return record

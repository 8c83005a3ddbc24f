"""Make a world and write it: records, what comes later, the truth.

In:     a case, days, a seed
Out:    DIR/records/TYPE.parquet, DIR/later/TYPE.parquet, DIR/truth.csv, DIR/world.json
Not:    taking them into a lake (clearway ingest)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from clearway.core.errors import ClearwayError
from clearway.core.files import staged_file
from clearway.records import frame_of, record_types
from clearway.rules import Packs, load_packs
from clearway.world.network import units_of
from clearway.world.planting import Plant, plants
from clearway.world.usual import usual_records

if TYPE_CHECKING:
    from clearway.cases import Case

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class World:
    """Frames by type, those that come later, and the truth: rule, unit, period, state, kind, way, title."""

    records: dict[str, pl.DataFrame]
    later: dict[str, pl.DataFrame]
    truth: pl.DataFrame
    about: dict[str, Any]

    def write(self, folder: str | Path) -> Path:
        """Write the world to a new or an empty folder.

        Raises
        ------
        ClearwayError
            If the folder holds something.
        """
        out = Path(folder)
        if out.exists() and any(out.iterdir()):
            raise ClearwayError(f"{out} is not empty; name a new folder, so that no two worlds mix.")
        for name, frames in (("records", self.records), ("later", self.later)):
            (out / name).mkdir(parents=True, exist_ok=True)
            for kind, frame in frames.items():
                with staged_file(out / name / f"{kind}.parquet") as staging:
                    frame.write_parquet(staging)
        self.truth.write_csv(out / "truth.csv")
        text = json.dumps(self.about, ensure_ascii=False, indent=2)
        (out / "world.json").write_text(text + "\n", encoding="utf-8")
        return out


def make_world(
    case: Case,
    first: date,
    last: date,
    seed: int = 1,
    *,
    packs: Packs | None = None,
    items: int = 500,
    outlets: int = 2,
    villages: int = 2,
    each: int = 20,
) -> World:
    """A world for a case.

    Parameters
    ----------
    items
        Items accepted each day; 0 for a thin world of returns, in which only planted items are scanned.
    outlets, villages
        Of each facility.
    each
        Violations, and near misses, of each rule; 0 for a world without.
    """
    if first > last:
        raise ClearwayError(f"the first day {first} is after the last day {last}; name them the other way round.")
    read = packs or load_packs()
    units = units_of(case, first, outlets, villages)
    planted = list(plants(read, first, last, seed, each)) if each else []
    own = [row for p in planted for row in p.rows.get("unit", [])]
    usual = usual_records([*units, *own], first, last, seed, items, _reported(planted))
    types = record_types()
    usual["unit"] = frame_of(units, types["unit"])
    records = _joined(usual, [p.rows for p in planted])
    later = _joined({}, [p.later for p in planted])
    columns = ("rule", "unit", "period", "state", "kind", "way", "title")
    told = [[getattr(p, c) for c in columns] for p in planted]
    told += [
        [rule, p.unit, p.period, "breached", "also", p.way, p.title]
        for p in planted
        for rule in p.also
        if read.rules[rule].limit_on(p.day)
    ]
    truth = pl.DataFrame(told, schema=dict.fromkeys(columns, pl.String), orient="row")
    about = {
        "case": case.source, "from": first.isoformat(), "to": last.isoformat(), "seed": seed, "items": items,
        "outlets": outlets, "villages": villages, "planted": len(planted),
        "packs": {p.id: p.fingerprint for p in read},
        "records": {n: len(f) for n, f in sorted(records.items())},
    }  # fmt: skip
    return World(records, later, truth, about)


def _reported(planted: list[Plant]) -> set[tuple[str, str, date]]:
    """Types, units and days for which plants report themselves: nothing usual is added there."""
    found = set()
    for plant in planted:
        touched = {*plant.rows, *plant.later, *plant.silent} - {"unit"}
        touched |= {row["type"] for rows in (plant.rows, plant.later) for row in rows.get("nil_return", [])}
        for row in plant.rows.get("unit", []):
            day = row["from"]
            while day <= row["to"]:
                found |= {(kind, row["id"], day) for kind in touched}
                day += _DAY
    return found


def _joined(frames: dict[str, pl.DataFrame], parts: list[dict[str, list[dict[str, Any]]]]) -> dict[str, pl.DataFrame]:
    types = record_types()
    rows: dict[str, list[dict[str, Any]]] = {}
    for part in parts:
        for name, mine in part.items():
            rows.setdefault(name, []).extend(mine)
    planted = {name: frame_of(mine, types[name]) for name, mine in rows.items() if mine}
    names = sorted({*frames, *planted})
    return {
        n: pl.concat([f[n] for f in (frames, planted) if n in f and len(f[n])], how="diagonal_relaxed")
        for n in names
        if any(n in f and len(f[n]) for f in (frames, planted))
    }

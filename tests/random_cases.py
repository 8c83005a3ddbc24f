"""Random small cases that use every column, kind and target of the format."""

from __future__ import annotations

import csv
import json
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import tomli_w

START = datetime(2022, 11, 10)
KINDS = ("closed", "no-entry", "no-exit", "no-transit", "embargo", "capacity", "slow", "handling")
ROWS = ("accept", "sort", "storage", "deliver", "depart", "arrive")


def write_random_case(folder: Path, seed: int) -> None:
    """Write one case; equal seeds give equal cases."""
    rng = random.Random(seed)
    slot_hours = rng.choice([2, 3, 4, 6, 8, 1.5 if seed % 7 == 0 else 4])
    start = START + timedelta(hours=slot_hours * rng.randrange(0, 3)) if rng.random() < 0.4 else START
    slots = rng.randrange(5, 10)
    days = slots * slot_hours / 24
    classes = [
        {
            "name": f"k{i}",
            "time_value": rng.choice([0.0, 0.02, 0.1, 0.5]),
            "undelivered_penalty": rng.choice([0.0, 5.0, 20.0, 60.0]),
        }
        for i in range(rng.randrange(1, 4))
    ]
    for c in classes:
        if rng.random() < 0.6:
            c["hold_factor"] = rng.choice([0.3, 0.5, 1.0])
    document: dict[str, Any] = {
        "name": f"random-{seed}",
        "timezone": "Asia/Shanghai",
        "start": start.isoformat(timespec="minutes"),
        "days": days,
        "slot_hours": slot_hours,
        "currency": "CNY",
        "class": classes,
        "costs": {"sort": 0.1, "deliver": 0.7, "overflow_penalty": rng.choice([0.1, 0.4, 2.0])},
        "policy": {"hold_at_sender": rng.random() < 0.6},
    }
    if rng.random() < 0.7:
        shares = [rng.randrange(0, 5) for _ in range(24)]
        shares[12] += 1
        total = sum(shares)
        document["profile"] = {"collection": [x / total for x in shares]}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "case.toml").write_text(tomli_w.dumps(document), encoding="utf-8")

    places = [
        {"code": "1", "name": "P1", "parent": "", "lon": 110.0, "lat": 30.0},
        {"code": "2", "name": "P2", "parent": "", "lon": 112.0, "lat": 31.0},
        {"code": "11", "name": "P11", "parent": "1", "lon": 110.5, "lat": 30.5},
        {"code": "12", "name": "P12", "parent": "1", "lon": "", "lat": ""},
        {"code": "111", "name": "P111", "parent": "11", "lon": 110.6, "lat": 30.4},
    ]
    n = rng.randrange(2, 5)
    facilities, ids = [], [f"f{i}" for i in range(n)]
    for f in [*ids, "site"]:
        row: dict[str, Any] = {
            "id": f,
            "name": f.upper(),
            "kind": "sorting-centre",
            "place": rng.choice(places)["code"],
            "sort_per_hour": rng.choice([0, 5, 20, 60]),
            "deliver_per_hour": rng.choice([0, 5, 20, 60]),
            "candidate": str(f == "site").lower(),
        }
        for column, values in (
            ("storage", [0, 40, 200]),
            ("accept_per_hour", [0, 10, 40]),
            ("sort_cost", [0.0, 0.4]),
            ("deliver_cost", [0.2]),
            ("extra_sort_share", [0.2, 1.0]),
            ("extra_deliver_share", [0.3]),
            ("extra_premium", [0.1, 3.0]),
            ("extra_from", [0, 7, 12]),
        ):
            row[column] = rng.choice(values) if rng.random() < 0.5 else ""
        if rng.random() < 0.4:
            row["opens"], row["closes"] = rng.choice(
                [("06:00", "22:00"), ("20:30", "05:15"), ("00:00", "24:00"), ("08:00", "08:00"), ("24:00", "07:00")]
            )
        if rng.random() < 0.5:
            row["lon"], row["lat"] = rng.choice([(110.0, 30.0), (111.0, 31.0), (112.5, 30.2)])
        facilities.append(row)
    lanes: list[dict[str, Any]] = []
    for o in [*ids, "site"]:
        for d in [*ids, "site"]:
            if o == d or rng.random() > 0.7:
                continue
            lane: dict[str, Any] = {
                "id": f"{o}-{d}",
                "origin": o,
                "destination": d,
                "mode": "road",
                "hours": rng.choice([0, 1, 3.5, 6, 11]),
                "cost": rng.choice([0.0, 0.3, 1.5]),
            }
            if rng.random() < 0.5:
                lane["per_hour"] = rng.choice([0, 3, 15, 50])
            else:
                lane["departures"] = " ".join(
                    rng.sample(["00:00", "03:30", "06:00", "12:45", "18:00", "23:59", "24:00"], rng.randrange(1, 4))
                )
                lane["capacity"] = rng.choice([10, 60])
            if rng.random() < 0.3:
                lane["classes"] = " ".join(c["name"] for c in rng.sample(classes, rng.randrange(1, len(classes) + 1)))
            if rng.random() < 0.4:
                lane["extra_share"], lane["extra_premium"] = rng.choice([0.5, 1.0]), rng.choice([0.2, ""])
            lanes.append(lane)
    last_day = (start + timedelta(days=days) - timedelta(minutes=1)).date()
    span = (last_day - start.date()).days
    demand = [
        {
            "origin": rng.choice(ids),
            "destination": rng.choice(ids),
            "class": rng.choice(classes)["name"],
            "day": str(start.date() + timedelta(days=rng.randrange(0, span + 1))),
            "parcels": rng.choice([0, 7.5, 40, 200]),
        }
        for _ in range(rng.randrange(1, 9))
    ]
    stock = []
    for _ in range(rng.randrange(0, 5)):
        stage = rng.choice(["held", "unsorted", "sorted", "in-transit"])
        arrives = (
            (start + timedelta(hours=rng.uniform(0, days * 24 - 0.1))).isoformat(timespec="minutes")
            if stage == "in-transit"
            else ""
        )
        stock.append(
            {
                "stage": stage,
                "facility": rng.choice(ids),
                "destination": rng.choice(ids),
                "class": rng.choice(classes)["name"],
                "parcels": rng.choice([5, 33.3]),
                "arrives": arrives,
            }
        )
    rings = {
        "a1": [[109.0, 29.0], [110.55, 29.0], [110.55, 31.0], [109.0, 31.0], [109.0, 29.0]],
        "a2": [[110.0, 30.0], [113.0, 30.0], [113.0, 33.0], [110.0, 30.0]],
    }
    features = [
        {"type": "Feature", "id": i, "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for i, ring in rings.items()
    ]
    (folder / "areas.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8"
    )
    table(folder, "places", places)
    table(folder, "facilities", facilities)
    table(folder, "lanes", lanes, ["id", "origin", "destination", "mode", "hours", "cost"])
    table(folder, "demand", demand)
    table(folder, "stock", stock, ["stage", "facility", "destination", "class", "parcels", "arrives"])
    disruptions = _disruptions(rng, ids, lanes, list(rings), start, days)
    table(
        folder,
        "disruptions",
        disruptions,
        ["id", "kind", "target_type", "target", "start", "end", "factor", "hours", "rows"],
    )


def _disruptions(
    rng: random.Random, ids: list[str], lanes: list[dict[str, Any]], areas: list[str], start: datetime, days: float
) -> list[dict[str, Any]]:
    rows = []
    for i in range(rng.randrange(0, 5)):
        kind = rng.choice(KINDS)
        types = ["facility", "place", "area"] + (["lane"] if kind in ("closed", "capacity", "slow") and lanes else [])
        target_type = rng.choice(types)
        target = {
            "facility": ids,
            "place": ["1", "2", "11", "12", "111"],
            "area": areas,
            "lane": [lane["id"] for lane in lanes],
        }[target_type]
        begin = start + timedelta(hours=rng.uniform(-5, days * 24 * 0.8))
        row: dict[str, Any] = {
            "id": f"d{i}",
            "kind": kind,
            "target_type": target_type,
            "target": rng.choice(target),
            "start": begin.isoformat(timespec="minutes"),
            "end": ""
            if rng.random() < 0.2
            else (begin + timedelta(hours=rng.choice([0.5, 4, 9, 30]))).isoformat(timespec="minutes"),
        }
        if kind in ("capacity", "slow"):
            row["factor"] = rng.choice([0.0, 0.4, 1.7, 2.5])
        if kind == "handling":
            row["hours"] = rng.choice([0, 2, 6.5])
            row["factor"] = rng.choice(["", 2.0])
        if kind == "capacity" and rng.random() < 0.7:
            row["rows"] = "depart" if target_type == "lane" else " ".join(rng.sample(ROWS, rng.randrange(1, 5)))
        rows.append(row)
    return rows


def table(folder: Path, name: str, rows: list[dict[str, Any]], header: list[str] | None = None) -> None:
    """Write a CSV with the union of the rows' keys."""
    columns = list(dict.fromkeys([*(header or []), *(key for row in rows for key in row)]))
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)

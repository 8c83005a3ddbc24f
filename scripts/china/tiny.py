"""Five facilities one can hold in mind: Shanghai, Nanjing, Hangzhou, Hefei, Wuhan, three days.

Hefei is the usual way between Wuhan and the coast and closes for a day; parcels go round by
Hangzhou, wait at their senders, or wait in the network. All numbers are made up and small.
"""

from __future__ import annotations

from typing import Any

import polars as pl

CITIES = [  # code, zh, en, lon, lat, residents, sort, storage, deliver
    ("310100", "上海市", "Shanghai", 121.46912, 31.2323, 24870895, 900, 4000, 700),
    ("320100", "南京市", "Nanjing", 118.79149, 32.06164, 9314685, 500, 2500, 300),
    ("330100", "杭州市", "Hangzhou", 120.20524, 30.24934, 11936010, 700, 3000, 400),
    ("340100", "合肥市", "Hefei", 117.22901, 31.82057, 9369881, 500, 2000, 250),
    ("420100", "武汉市", "Wuhan", 114.30003, 30.59559, 12326518, 600, 3000, 350),
]
ROADS = [
    ("310100", "320100", 300),
    ("310100", "330100", 180),
    ("320100", "330100", 280),
    ("320100", "340100", 175),
    ("330100", "340100", 400),
    ("340100", "420100", 400),
    ("330100", "420100", 720),
]
DAILY = {
    ("310100", "420100"): 2400,
    ("420100", "310100"): 1800,
    ("330100", "420100"): 1500,
    ("420100", "330100"): 900,
    ("310100", "330100"): 2000,
    ("330100", "310100"): 2600,
    ("320100", "420100"): 900,
    ("340100", "310100"): 1200,
    ("310100", "310100"): 1600,
    ("420100", "320100"): 700,
}


def tiny() -> tuple[dict[str, Any], dict[str, pl.DataFrame]]:
    """Settings and tables of the case."""
    document = {
        "name": "china-2022/tiny",
        "title": {"en": "Five cities one can hold in mind", "zh": "五城小例"},
        "timezone": "Asia/Shanghai",
        "start": "2022-11-10T00:00",
        "days": 3,
        "slot_hours": 2,
        "currency": "CNY",
        "costs": {"sort": 0.13, "deliver": 1.3, "extra_premium": 1.0, "overflow_penalty": 0.4},
        "policy": {"hold_at_sender": True},
        "class": [
            {"name": "emergency", "time_value": 0.3, "undelivered_penalty": 200.0, "promise_hours": 24.0},
            {
                "name": "standard",
                "time_value": 0.02,
                "hold_factor": 0.5,
                "undelivered_penalty": 20.0,
                "promise_hours": 72.0,
            },
        ],
        "profile": {
            "collection": [0.0] * 8 + [0.05, 0.05, 0.1, 0.1, 0.05, 0.05, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1] + [0.0] * 4
        },
    }
    places = pl.DataFrame(
        [
            {"code": c, "name": zh, "name_en": en, "level": "prefecture", "lon": x, "lat": y, "population": n}
            for c, zh, en, x, y, n, *_ in CITIES
        ]
    )
    facilities = pl.DataFrame(
        [
            {
                "id": c,
                "name": zh.removesuffix("市") + "分拨中心",
                "kind": "sorting-centre",
                "place": c,
                "lon": x,
                "lat": y,
                "sort_per_hour": sort,
                "storage": storage,
                "deliver_per_hour": deliver,
                "opens": "08:00" if c == "340100" else None,
                "closes": "02:00" if c == "340100" else None,
                "extra_sort_share": 0.2,
                "extra_deliver_share": 0.2,
                "extra_from": 12,
            }
            for c, zh, _, x, y, _, sort, storage, deliver in CITIES
        ]
    )
    lanes = pl.DataFrame(
        [
            {
                "id": f"{o}-{d}",
                "origin": o,
                "destination": d,
                "mode": "road",
                "distance_km": km,
                "hours": round(km / 72 + 2, 2),
                "cost": round(0.02 + 0.00052 * km, 4),
                "per_hour": 260,
                "extra_share": 0.25,
                "parcels_per_vehicle": 500,
            }
            for x, y, km in ROADS
            for o, d in ((x, y), (y, x))
        ]
    )
    demand = pl.DataFrame(
        [
            {"origin": o, "destination": d, "class": k, "day": day, "parcels": round(n * share)}
            for day in ("2022-11-10", "2022-11-11")
            for (o, d), n in DAILY.items()
            for k, share in (("emergency", 0.05), ("standard", 0.95))
        ]
    )
    stock = pl.DataFrame(
        [
            {
                "stage": "unsorted",
                "facility": "340100",
                "destination": "420100",
                "class": "standard",
                "parcels": 400,
                "arrives": None,
            },
            {
                "stage": "sorted",
                "facility": "330100",
                "destination": "310100",
                "class": "standard",
                "parcels": 300,
                "arrives": None,
            },
            {
                "stage": "held",
                "facility": "310100",
                "destination": "420100",
                "class": "standard",
                "parcels": 200,
                "arrives": None,
            },
            {
                "stage": "in-transit",
                "facility": "340100",
                "destination": "420100",
                "class": "standard",
                "parcels": 250,
                "arrives": "2022-11-10T03:00",
            },
        ]
    )
    disruptions = pl.DataFrame(
        [
            {
                "id": "hefei",
                "kind": "closed",
                "target_type": "facility",
                "target": "340100",
                "start": "2022-11-10T18:00",
                "end": "2022-11-11T18:00",
                "known_from": "2022-11-10T00:00",
                "source": "made up",
            }
        ]
    )
    return document, {
        "places": places,
        "facilities": facilities,
        "lanes": lanes,
        "demand": demand,
        "stock": stock,
        "disruptions": disruptions,
    }

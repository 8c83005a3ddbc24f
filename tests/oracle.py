"""A second opinion: the planning model read off docs/planning.md alone, in plain Python.

Reads the files of a case with csv and tomllib, counts minutes one by one, names every variable, and
lets SciPy solve the program. Nothing of clearway is imported here.
"""

from __future__ import annotations

import csv
import json
import math
import tomllib
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

INF = math.inf


def rows_of(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def number(row: dict[str, str], key: str, default: float) -> float:
    text = row.get(key) or ""
    return float(text) if text else default


def clock(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


class Oracle:
    """The linear program of one case folder."""

    def __init__(self, folder: Path) -> None:
        self.settings = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
        s = self.settings
        self.start = datetime.fromisoformat(s["start"])
        self.delta = s["slot_hours"]
        self.minutes = round(60 * self.delta)
        self.T = round(s["days"] * 24 / self.delta)
        costs = {"sort": 0.0, "deliver": 0.0, "extra_premium": 1.0, "overflow_penalty": 0.4} | s.get("costs", {})
        self.M = costs["overflow_penalty"]
        self.hold = s.get("policy", {}).get("hold_at_sender", True)
        self.classes = {c["name"]: c for c in s["class"]}
        self.profile = s.get("profile", {}).get("collection") or [1 / 24] * 24
        self.parent = {r["code"]: r.get("parent") or "" for r in rows_of(folder / "places.csv")}
        seats = {r["code"]: r for r in rows_of(folder / "places.csv")}
        self.areas = {}
        if (folder / "areas.geojson").exists():
            for f in json.loads((folder / "areas.geojson").read_text(encoding="utf-8"))["features"]:
                self.areas[f["id"]] = f["geometry"]["coordinates"][0]
        self.F = {r["id"]: r for r in rows_of(folder / "facilities.csv") if (r.get("candidate") or "false") != "true"}
        self.L = {
            r["id"]: r for r in rows_of(folder / "lanes.csv") if r["origin"] in self.F and r["destination"] in self.F
        }
        self.coordinates = {}
        for f, r in self.F.items():
            source = r if r.get("lon") else seats[r["place"]]
            if source.get("lon"):
                self.coordinates[f] = (float(source["lon"]), float(source["lat"]))
        self.begin = [self.start + timedelta(minutes=self.minutes * t) for t in range(self.T)]
        self.day_minute = [b.hour * 60 + b.minute for b in self.begin]
        self._offer(costs)
        self._demand(folder)
        self._disrupt(rows_of(folder / "disruptions.csv"))

    # -------------------------------------------------------------- section 2

    def _open_share(self, row: dict[str, str], t: int) -> float:
        if not row.get("opens"):
            return self.delta
        opens, closes = clock(row["opens"]), clock(row["closes"])
        count = 0
        for minute in range(self.day_minute[t], self.day_minute[t] + self.minutes):
            if opens == closes:
                inside = True
            elif closes > opens:
                inside = opens <= minute < closes
            else:
                inside = minute >= opens or minute < closes
            count += inside
        return count / 60

    def _offer(self, costs: dict[str, float]) -> None:
        self.row: dict[tuple[str, str, int], float] = {}
        self.sigma, self.premium, self.share, self.from_hours = {}, {}, {}, {}
        for f, r in self.F.items():
            for t in range(self.T):
                share = self._open_share(r, t)
                self.row["sort", f, t] = float(r["sort_per_hour"]) * share
                self.row["deliver", f, t] = float(r["deliver_per_hour"]) * share
                accept = number(r, "accept_per_hour", INF)
                self.row["accept", f, t] = accept * share if accept < INF else INF
                self.row["storage", f, t] = number(r, "storage", INF)
                self.sigma[f, t] = number(r, "sort_cost", costs["sort"])
            self.share["sort", f] = number(r, "extra_sort_share", 0)
            self.share["deliver", f] = number(r, "extra_deliver_share", 0)
            self.premium[f] = number(r, "extra_premium", costs["extra_premium"])
            self.from_hours[f] = number(r, "extra_from", 0)
        self.deliver_cost = {f: number(r, "deliver_cost", costs["deliver"]) for f, r in self.F.items()}
        self.hours = {}
        for e, r in self.L.items():
            for t in range(self.T):
                if r.get("per_hour"):
                    capacity = float(r["per_hour"]) * self.delta
                else:
                    lo, hi = self.day_minute[t], self.day_minute[t] + self.minutes
                    capacity = float(r["capacity"]) * sum(lo <= clock(c) % 1440 < hi for c in r["departures"].split())
                self.row["depart", e, t] = capacity
                self.hours[e, t] = float(r["hours"])
            self.share["depart", e] = number(r, "extra_share", 0)
            self.premium[e] = number(r, "extra_premium", costs["extra_premium"])
            self.from_hours[e] = 0.0

    # -------------------------------------------------------------- section 3

    def _demand(self, folder: Path) -> None:
        self.q: dict[tuple[str, str, str, int], float] = defaultdict(float)
        for r in rows_of(folder / "demand.csv"):
            midnight = datetime.fromisoformat(r["day"])
            for t in range(self.T):
                for minute in range(self.minutes):
                    moment = self.begin[t] + timedelta(minutes=minute)
                    if moment.date() == midnight.date():
                        self.q[r["origin"], r["destination"], r["class"], t] += (
                            float(r["parcels"]) * self.profile[moment.hour] / 60
                        )
        self.O0, self.I0, self.H0, self.R = (defaultdict(float) for _ in range(4))
        for r in rows_of(folder / "stock.csv"):
            key, n = (r["facility"], r["destination"], r["class"]), float(r["parcels"])
            if r["stage"] == "held":
                self.O0[key] += n
            elif r["stage"] == "unsorted":
                self.I0[key] += n
            elif r["stage"] == "sorted":
                self.H0[key] += n
            else:
                t = math.floor((datetime.fromisoformat(r["arrives"]) - self.start) / timedelta(minutes=self.minutes))
                self.R[(*key, t)] += n
        if not self.hold:
            self.O0.clear()

    # -------------------------------------------------------------- section 6

    def _inside(self, place: str, target: str) -> bool:
        while place:
            if place == target:
                return True
            place = self.parent.get(place, "")
        return False

    def _members(self, kind: str, target: str) -> set[str]:
        if kind == "facility":
            return {target} & set(self.F)
        if kind == "place":
            return {f for f, r in self.F.items() if self._inside(r["place"], target)}
        return {f for f, p in self.coordinates.items() if in_polygon(p, self.areas[target])}

    def _touched(self, r: dict[str, str]) -> set[int]:
        a = datetime.fromisoformat(r["start"])
        b = datetime.fromisoformat(r["end"]) if r.get("end") else self.begin[-1] + timedelta(days=999)
        step = timedelta(minutes=self.minutes)
        return {t for t in range(self.T) if min(b, self.begin[t] + step) > max(a, self.begin[t])}

    def _disrupt(self, disruptions: list[dict[str, str]]) -> None:
        factor, added = defaultdict(lambda: 1.0), defaultdict(float)
        parsed = []
        for r in disruptions:
            members = set() if r["target_type"] == "lane" else self._members(r["target_type"], r["target"])
            lanes = {r["target"]} & set(self.L) if r["target_type"] == "lane" else set()
            parsed.append((r, self._touched(r), members, lanes))
        for r, touched, members, lanes in parsed:
            for e, lane in self.L.items():
                for t in touched:
                    if r["kind"] == "slow" and (
                        e in lanes or lane["origin"] in members or lane["destination"] in members
                    ):
                        factor[e, t] *= float(r["factor"])
                    if r["kind"] == "handling" and lane["destination"] in members:
                        added[e, t] += float(r["hours"])
        self.tau = {
            (e, t): max(1, math.ceil((h * factor[e, t] + added[e, t]) / self.delta - 1e-9))
            for (e, t), h in self.hours.items()
        }
        self.forbidden: set[tuple[str, int, str]] = set()  # (lane, slot, destination)
        self.no_accept: set[tuple[int, str]] = set()  # (slot, destination)
        for r, touched, members, lanes in parsed:
            self._apply(r, touched, members, lanes)

    def _apply(self, r: dict[str, str], touched: set[int], members: set[str], lanes: set[str]) -> None:
        kind = r["kind"]
        if kind == "embargo":
            self.no_accept |= {(t, d) for t in touched for d in members}
        if kind == "handling" and r.get("factor"):
            for f in members:
                for t in touched:
                    self.sigma[f, t] *= float(r["factor"])
        if kind == "closed":
            for f in members:
                for t in touched:
                    for name in ("accept", "sort", "deliver"):
                        self.row[name, f, t] = 0
        names = (r.get("rows") or "sort deliver depart").split()
        if kind == "capacity":
            for name in {"accept", "sort", "storage", "deliver"} & set(names):
                for f in members:
                    for t in touched:
                        if self.row[name, f, t] < INF:
                            self.row[name, f, t] *= float(r["factor"])
        for e, lane in self.L.items():
            starts, ends = lane["origin"] in members, lane["destination"] in members
            for t in range(self.T):
                leaves, arrives = t in touched, t + self.tau[e, t] in touched
                if kind == "closed" and ((starts and leaves) or (ends and arrives) or (e in lanes and leaves)):
                    self.row["depart", e, t] = 0
                if kind == "no-entry" and ends and not starts and arrives:
                    self.row["depart", e, t] = 0
                if kind == "no-exit" and starts and not ends and leaves:
                    self.row["depart", e, t] = 0
                if kind == "no-transit" and ends and not starts and (leaves or arrives):
                    self.forbidden |= {(e, t, d) for d in self.F if d not in members}
                if kind == "capacity":
                    if leaves and ((starts and "depart" in names) or e in lanes):
                        self.row["depart", e, t] *= float(r["factor"])
                    if arrives and ends and "arrive" in names:
                        self.row["depart", e, t] *= float(r["factor"])

    # -------------------------------------------------------------- sections 4, 5, 7

    def solve(self) -> float:
        """The optimal objective."""
        self.names: dict[Any, int] = {}
        self.cost: list[float] = []
        self.upper: list[float] = []
        equal: list[tuple[dict[int, float], float]] = []
        load: dict[tuple[str, str, int], dict[int, float]] = defaultdict(dict)
        goods = (
            {(d, k) for (_, d, k, _), n in self.q.items() if n}
            | {(d, k) for key, n in [*self.O0.items(), *self.I0.items(), *self.H0.items()] for d, k in [key[1:3]] if n}
            | {(key[1], key[2]) for key, n in self.R.items() if n}
        )
        last = self.T - 1
        for d, k in sorted(goods):
            c = self.classes[k]
            w, beta, penalty = c["time_value"] * self.delta, c.get("hold_factor", 1.0), c["undelivered_penalty"]
            allowed = {e for e, r in self.L.items() if not r.get("classes") or k in r["classes"].split()}
            coming: dict[tuple[str, int], dict[int, float]] = defaultdict(dict)
            going: dict[tuple[str, int], dict[int, float]] = defaultdict(dict)
            for e in sorted(allowed):
                for t in range(self.T):
                    arrival = t + self.tau[e, t]
                    if arrival > last or (e, t, d) in self.forbidden:
                        continue
                    x = self._var(("X", e, t, d, k), float(self.L[e]["cost"]) + w * self.tau[e, t])
                    load["depart", e, t][x] = 1
                    going[self.L[e]["origin"], t][x] = 1
                    coming[self.L[e]["destination"], arrival][x] = 1
            for f in self.F:
                for t in range(self.T):
                    end = penalty if t == last else 0
                    i = self._var(("I", f, t, d, k), w + end)
                    h = self._var(("H", f, t, d, k), w + end)
                    s = self._var(("S", f, t, d, k), self.sigma[f, t])
                    load["storage", f, t] |= {i: 1, h: 1}
                    load["sort", f, t][s] = 1
                    into: dict[int, float] = {i: 1, s: 1}
                    if t:
                        into[self.names["I", f, t - 1, d, k]] = -1
                    for x in coming[f, t]:
                        into[x] = into.get(x, 0) - 1
                    supply = self.R[f, d, k, t] + (self.I0[f, d, k] if t == 0 else 0)
                    if self.hold:
                        o = self._var(("O", f, t, d, k), beta * w + end)
                        a = self._var(("A", f, t, d, k), 0.0, 0.0 if (t, d) in self.no_accept else INF)
                        load["accept", f, t][a] = 1
                        into[a] = -1
                        sender = {o: 1, a: 1}
                        if t:
                            sender[self.names["O", f, t - 1, d, k]] = -1
                        equal.append((sender, self.q[f, d, k, t] + (self.O0[f, d, k] if t == 0 else 0)))
                    else:
                        supply += self.q[f, d, k, t]
                    equal.append((into, supply))
                    out: dict[int, float] = {h: 1, s: -1} | going[f, t]
                    if t:
                        out[self.names["H", f, t - 1, d, k]] = -1
                    if f == d:
                        v = self._var(("D", f, t, d, k), self.deliver_cost[f])
                        load["deliver", f, t][v] = 1
                        out[v] = 1
                    equal.append((out, self.H0[f, d, k] if t == 0 else 0))
        below: list[tuple[dict[int, float], float]] = []
        for (name, i, t), entries in load.items():
            capacity = self.row[name, i, t]
            if capacity == INF:
                continue
            entries = dict(entries)
            if name == "storage":
                entries[self._var(("over", i, t), self.M * self.delta)] = -1
            elif name != "accept" and self.share[name, i] and t * self.delta >= self.from_hours[i] - 1e-9:
                extra = self.share[name, i] * capacity
                entries[self._var(("extra", name, i, t), self.premium[i], extra)] = -1
            below.append((entries, capacity))
        if not self.cost:  # nothing to move
            return 0.0
        result = linprog(
            np.array(self.cost),
            A_ub=self._matrix(below),
            b_ub=[b for _, b in below] or None,
            A_eq=self._matrix(equal),
            b_eq=[b for _, b in equal] or None,
            bounds=[(0, None if u == INF else u) for u in self.upper],
            method="highs",
        )
        assert result.status == 0, result.message
        return float(result.fun)

    def _var(self, name: Any, cost: float, upper: float = INF) -> int:
        self.names[name] = len(self.cost)
        self.cost.append(cost)
        self.upper.append(upper)
        return self.names[name]

    def _matrix(self, rows: list[tuple[dict[int, float], float]]) -> Any:
        if not rows:
            return None
        entries = [(r, c, v) for r, (row, _) in enumerate(rows) for c, v in row.items()]
        r, c, v = zip(*entries, strict=True)
        return coo_array((v, (r, c)), shape=(len(rows), len(self.cost))).tocsr()


def in_polygon(point: tuple[float, float], ring: list[list[float]]) -> bool:
    """Even-odd rule; the border counts as inside."""
    x, y = point
    inside = False
    for (x1, y1), (x2, y2) in pairwise(ring):
        cross = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)
        if abs(cross) < 1e-12 and min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2):
            return True
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside

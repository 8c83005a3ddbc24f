"""The simulator beside SimPy on the same batches, and ten national days by itself.

    python -m benchmarks.simulation [--runs N]

In:     china-2022/calm, whole and cut to a few provinces; nothing random, shortest ways
Out:    a Markdown table: medians, ratio, what both deliver and how long it takes
Not:    tests: nothing here passes or fails
Words:  the SimPy model is written as one would write it: a process per batch, a resource per sorting hall,
        a process per lane and per delivery round
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import simpy

from clearway.cases import Case
from clearway.simulation.engine import simulate_once
from clearway.simulation.inputs import Inputs, build_inputs
from clearway.simulation.routing import shortest_routes
from clearway.simulation.state import FINISHED, MEASURES, NOWHERE, OFFERED

PLACES = ["320000", "330000"]
SIMPLE = {"travel_variation": 0.0, "attempt_success": 1.0}


def prepared(case: Case) -> Inputs:
    """Inputs without anything random and without stock, which SimPy is not given."""
    settings = replace(case.settings, simulation={**case.settings.simulation, **SIMPLE})
    return build_inputs(replace(case, settings=settings, stock=case.stock.clear()))


@dataclass(slots=True)
class Batch:
    """Parcels that travel together; times in hours."""

    n: int
    origin: int
    destination: int
    cls: int
    offered: float
    left: float = -1.0


class Peer:
    """The same network in SimPy."""

    def __init__(self, inputs: Inputs, hops: Any) -> None:
        self.w, self.hops = inputs.world, hops
        self.h = inputs.world.step_hours
        self.env = simpy.Environment()
        self.rank = {int(k): i for i, k in enumerate(self.w.class_order)}
        facilities, lanes, classes = len(inputs.facilities), len(inputs.lanes), len(inputs.class_names)
        self.sorters = [simpy.PriorityResource(self.env, 1) for _ in range(facilities)]
        self.rate = self.w.sort[:, 0] / self.h
        self.lane_queue: list[list[deque[Batch]]] = [[deque() for _ in range(classes)] for _ in range(lanes)]
        self.ready: list[list[deque[Batch]]] = [[deque() for _ in range(classes)] for _ in range(facilities)]
        self.offered = self.delivered = self.batches = 0
        self.hours = 0.0
        self.steps = self.w.depart.shape[1]

    def run(self) -> None:
        """From the first collection to the end of the horizon."""
        for t in np.flatnonzero(self.w.collected >= 0):
            self.env.process(self.collect(int(t)))
        origin = np.repeat(np.arange(len(self.rate)), np.diff(self.w.lane_start))
        for lane in range(len(self.lane_queue)):
            self.env.process(self.drive(lane, int(origin[lane])))
        for f in range(len(self.rate)):
            for t in np.flatnonzero(self.w.span[f] > 0):
                self.env.process(self.round(f, int(t)))
        self.env.run(until=self.steps * self.h)

    def collect(self, t: int) -> Any:
        yield self.env.timeout(t * self.h)
        w, number = self.w, int(self.w.collected[t])
        rows = w.row_first[int(w.round_day[number])]
        rows = slice(int(rows[0]), int(rows[-1]))
        parcels, start = w.row_parcels[rows], w.row_start[rows]
        n = np.floor(parcels * w.round_high[number] + start) - np.floor(parcels * w.round_low[number] + start)
        day = int(w.round_day[number])
        origin = np.repeat(np.arange(len(self.rate)), np.diff(w.row_first[day]))
        middle = float(w.round_middle[number]) * self.h
        for i in np.flatnonzero(n > 0):
            row = rows.start + int(i)
            batch = Batch(int(n[i]), int(origin[i]), int(w.row_destination[row]), int(w.row_class[row]), middle)
            self.offered += batch.n
            self.batches += 1
            self.env.process(self.start(batch))

    def start(self, batch: Batch) -> Any:
        yield self.env.timeout(self.w.origin_steps * self.h)
        yield from self.sort(batch, batch.origin)

    def sort(self, batch: Batch, f: int) -> Any:
        with self.sorters[f].request(priority=self.rank[batch.cls]) as turn:
            yield turn
            yield self.env.timeout(batch.n / self.rate[f])
        if batch.destination == f:
            yield self.env.timeout(self.w.destination_steps * self.h)
            self.ready[f][batch.cls].append(batch)
            return
        hop = int(self.hops[f, batch.cls, batch.destination, 0])
        if hop != NOWHERE:
            self.lane_queue[int(self.w.lane_start[f]) + hop][batch.cls].append(batch)

    def drive(self, lane: int, origin: int) -> Any:
        w = self.w
        every = w.dispatch if w.by_rate[lane] else 1
        first = (w.dispatch - 1 - lane) % w.dispatch if w.by_rate[lane] else 0
        yield self.env.timeout((first + 1) * self.h)
        t = first
        while t < self.steps:
            low = max(0, t - every + 1)
            room = int(w.depart[lane, low : t + 1].sum() + w.depart_extra[lane, low : t + 1].sum() + 1e-9)
            if w.depart[lane, t] > 0:
                load = take(self.lane_queue[lane], self.w.class_order, room)
                if load:
                    way = max(1, round(float(w.hours[lane, t]) * w.travel_factor / self.h)) * self.h
                    self.env.process(self.travel(load, int(w.lane_to[lane]), way))
            t += every
            yield self.env.timeout(every * self.h)

    def travel(self, load: list[Batch], to: int, way: float) -> Any:
        yield self.env.timeout(way - self.h)
        for batch in load:
            self.env.process(self.sort(batch, to))

    def round(self, f: int, t: int) -> Any:
        yield self.env.timeout(t * self.h + 1e-6)
        w, span = self.w, int(self.w.span[f, t])
        room = int(w.deliver[f, t : t + span].sum() + w.deliver_extra[f, t : t + span].sum() + 1e-9)
        load = take(self.ready[f], w.class_order, room)
        total = sum(b.n for b in load)
        done, begun = 0, self.env.now
        for batch in load:
            middle = (done + batch.n / 2) / total * span * self.h
            yield self.env.timeout(max(0.0, begun + middle - self.env.now))
            self.delivered += batch.n
            self.hours += batch.n * (self.env.now - batch.offered)
            done += batch.n


def take(queues: list[deque[Batch]], order: Any, room: int) -> list[Batch]:
    """Oldest batches class by class, the last one split where there is no more room."""
    load = []
    for k in order:
        queue = queues[int(k)]
        while queue and room > 0:
            batch = queue[0]
            if batch.n <= room:
                load.append(queue.popleft())
                room -= batch.n
            else:
                load.append(replace(batch, n=room))
                batch.n -= room
                room = 0
    return load


def ours(inputs: Inputs, threads: int) -> tuple[float, dict[str, float]]:
    """Seconds, and what came of it."""
    way = shortest_routes(inputs)
    begun = time.perf_counter()
    run = simulate_once(inputs, way, threads=threads)
    seconds = time.perf_counter() - begun
    have = run.flow.have.sum(axis=(0, 1))
    sums = run.flow.by_class.sum(axis=(0, 1, 2))
    return seconds, {
        "offered": float(have[OFFERED]),
        "delivered": float(have[FINISHED]),
        "hours": float(sums[MEASURES.index("whole_trip")] / sums[0]),
    }


def main(runs: int = 5) -> None:
    """A few provinces beside SimPy, then the country."""
    calm = Case.read("china-2022/calm")
    small = prepared(calm.restricted_to(PLACES))
    ours(small, 1)
    mine = [ours(small, 1) for _ in range(runs)]
    theirs: list[tuple[float, Peer]] = []
    for _ in range(min(runs, 3)):
        peer = Peer(small, shortest_routes(small).hops[0])
        begun = time.perf_counter()
        peer.run()
        theirs.append((time.perf_counter() - begun, peer))
    one, two = statistics.median(s for s, _ in mine), statistics.median(s for s, _ in theirs)
    peer, facts = theirs[0][1], mine[0][1]
    print(f"| {len(small.facilities)} facilities, {peer.batches:,} batches, ten days | seconds | delivered | hours |")
    print("|---|---|---|---|")
    print(f"| clearway, one thread | {one:.3f} | {facts['delivered']:,.0f} | {facts['hours']:.2f} |")
    print(f"| SimPy {simpy.__version__} | {two:.1f} | {peer.delivered:,.0f} | {peer.hours / peer.delivered:.2f} |")
    print(f"\nratio {two / one:,.0f}; offered {facts['offered']:,.0f} and {peer.offered:,}\n")
    country = prepared(calm)
    for case, name in ((country, "calm"), (build_inputs(Case.read("china-2022/peak")), "peak")):
        seconds = [ours(case, 2)[0] for _ in range(runs)]
        batches = sum(
            float(
                np.minimum(
                    case.world.row_parcels[case.world.row_first[d, 0] : case.world.row_first[d, -1]] * (high - low), 1
                ).sum()
            )
            for d, low, high in zip(case.world.round_day, case.world.round_low, case.world.round_high, strict=True)
        )
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            f"china-2022/{name}: {len(case.facilities)} facilities, about {batches / 1e6:.1f} million batches, "
            f"{case.grid.slots} steps, 2 threads: median of {runs}: {statistics.median(seconds):.1f} s, {memory:.2f} GB"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    main(parser.parse_args().runs)

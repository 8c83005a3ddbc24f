"""Fractions, references and prices of a dual solve, and the passes over all blocks.

In:     Problem, number of threads
Out:    State: soft pass, bound, repaired plan
Not:    in what order and how often (ascent.py)
Source: docs/solver.md
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearway.planning.dual.layout import Blocks, Layout
from clearway.planning.dual.repair import repair_slot
from clearway.planning.dual.sweeps import departures, exact_value, largest, load_forward, soft_backward, take_over
from clearway.planning.dual.tally import Tally, tally
from clearway.planning.dual.vector import WIDTH

Array = NDArray[Any]
F32 = np.float32
ONE = np.uint16(63488)


def aligned(shape: tuple[int, ...], dtype: Any, value: Any = 0) -> Array:
    """An array that begins on a cache line, so that no step of 16 numbers straddles two."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.empty(size + 64, np.uint8)
    first = -raw.ctypes.data % 64
    array = raw[first : first + size].view(dtype).reshape(shape)
    array[...] = value
    return array


class State:
    """Everything that changes while prices move."""

    def __init__(self, layout: Layout, blocks: Blocks, threads: int) -> None:
        lay = layout
        small = lay.slots * lay.lanes * blocks.count < ALONE
        self.layout, self.blocks = layout, blocks
        self.threads = 1 if small else max(1, min(threads, blocks.count or 1))
        self.pool = ThreadPoolExecutor(self.threads)
        self.cost32 = {n: getattr(lay, n).astype(F32) for n in ("lane_cost", "sort_cost", "deliver_cost")}
        self.share32 = lay.share.astype(F32)
        self.barrier = F32(1e7)
        self.price = np.zeros((lay.slots, lay.rows), F32)
        self.price[lay.shut] = self.barrier
        self.ahead = self.price.copy()
        self.base32, self.extra32 = lay.base.astype(F32), lay.extra.astype(F32)
        self.premium32, self.cap32 = lay.premium.astype(F32), lay.cap.astype(F32)
        self.ban_cost32, self.embargo_cost32 = blocks.ban_cost.astype(F32), blocks.embargo_cost.astype(F32)
        self.stock32 = [x.astype(F32) for x in (blocks.held, blocks.unsorted, blocks.sorted)]
        self.all_starts, self.all_lanes = blocks.all_lanes(lay)
        self.ref_node = aligned((lay.slots, blocks.count, lay.facilities, 3, WIDTH), np.uint16, ONE)
        self.cur_node = aligned(self.ref_node.shape, np.uint16)
        self.ref_deliver = aligned((lay.slots, blocks.count, WIDTH), np.uint16, ONE)
        self.cur_deliver = aligned(self.ref_deliver.shape, np.uint16)
        half = np.uint16(ONE - (1 << 11))
        self.ref_node[:, :, :, 1:] = half
        self.mu = np.full(blocks.count, 0.1, F32)
        self.departure = {k: np.zeros((lay.slots, lay.lanes), F32) for k in np.unique(blocks.cls).tolist()}
        widest = int(np.diff(lay.start).max(initial=0))
        shape = (lay.slots + 1, lay.facilities, WIDTH)
        self.scratch = [
            dict(
                vin=aligned(shape, F32),
                vout=aligned(shape[1:], F32),
                voff=aligned(shape[1:], F32),
                work=aligned((widest + 2, WIDTH), F32),
                inbox=aligned((lay.ring + 1, lay.facilities, WIDTH), F32),
                off=aligned(shape[1:], F32),
                hin=aligned(shape[1:], F32),
                hout=aligned(shape[1:], F32),
                vin64=aligned(shape, float),
                vout64=aligned(shape[1:], float),
                voff64=aligned(shape[1:], float),
                loads=aligned((lay.slots, lay.rows), F32),
            )
            for _ in range(self.threads)
        ]

    @property
    def bytes_of_lane(self) -> float:
        """Memory of one more candidate lane: two tables, and the room in which they change."""
        return 2.2 * self.layout.slots * WIDTH * 2

    @property
    def bytes_of_plan(self) -> float:
        """Memory that a plan takes beside the tables: parcels under way in double precision."""
        return 8.0 * WIDTH * self.layout.facilities * self.blocks.count * (self.threads * self.layout.ring + 4)

    def start_at(self, table: Array) -> None:
        """Take over prices (T, R), within what each row's price may be."""
        live = self.layout.live
        self.price[live] = np.clip(table, 0.0, self.layout.cap)[live]
        self.ahead[:] = self.price

    def policies(self) -> Policies:
        """A copy of what :meth:`primal` makes a plan from."""
        tables = (self.cur_lane.copy(), self.cur_node.copy(), self.cur_deliver.copy(), self.price.copy())
        return Policies(*tables, self.starts, self.lane, self.owner)

    def restore(self, kept: Policies) -> None:
        """Go back to earlier policies, for a plan only: references stay as they are."""
        self.cur_lane, self.cur_node, self.cur_deliver, self.price = kept.lanes, kept.nodes, kept.deliver, kept.price
        self.starts, self.lane, self.owner = kept.starts, kept.lane, kept.owner
        self.count = len(kept.lane)

    def settle(self) -> None:
        """Wait for what an interrupted pass still does."""
        self.pool.shutdown(wait=True)
        self.pool = ThreadPoolExecutor(self.threads)

    def begin(self, mask: Array) -> None:
        """Start with the candidate lanes of ``mask`` (B, E) and with no preference among them."""
        self._choose(mask)
        self._ref, self._cur = (aligned((self.layout.slots * self.count * WIDTH,), np.uint16, ONE) for _ in range(2))
        self.ref_lane, self.cur_lane = self._table("_ref"), self._table("_cur")

    def _choose(self, mask: Array) -> None:
        starts, lists = self.blocks.chosen(self.layout, mask)
        sizes = np.array([len(x) for x in lists], np.int64)
        first = np.concatenate([[0], np.cumsum(sizes)])
        self.starts = starts + first[:-1, None]
        self.lane = np.concatenate([*lists, np.zeros(0, np.int64)]).astype(np.uint32)
        self.count = int(first[-1])
        self.owner = np.repeat(np.arange(self.blocks.count), sizes)

    def largest(self) -> Array:
        """The largest fraction of every candidate lane in any slot and column (C,)."""
        codes = np.zeros(self.count, np.uint16)
        edges = np.linspace(0, self.count, self.threads + 1).astype(int)
        list(self.pool.map(lambda i: largest(self.cur_lane, edges[i], edges[i + 1], codes), range(self.threads)))
        return np.ldexp(1.0 + (codes & 2047) / 2048.0, (codes >> 11).astype(int) - 31) * (codes > 0)

    def reselect(self, mask: Array) -> None:
        """Change the candidate lanes to ``mask`` (B, E) and let the fractions found become the reference.

        Fractions of lanes that stay are taken over, into the memory of the old reference.
        """
        lay = self.layout
        place = np.full((self.blocks.count, lay.lanes), -1, np.int64)
        place[self.owner, self.lane] = np.arange(self.count)
        found = self.cur_lane.view(np.uint64)
        self._choose(mask)
        source = place[self.owner, self.lane]
        self.ref_lane, self.cur_lane = self._table("_ref"), self._table("_cur")
        new = self.ref_lane.view(np.uint64)
        edges = np.linspace(0, lay.slots, self.threads + 1).astype(int)
        list(self.pool.map(lambda i: take_over(found, source, edges[i], edges[i + 1], new), range(self.threads)))
        self._swap_nodes()

    def _table(self, name: str) -> Array:
        """Room for the fractions of all candidate lanes, in memory that is there where it is enough."""
        size = self.layout.slots * self.count * WIDTH
        if getattr(self, name).size < size:
            setattr(self, name, aligned((size,), np.uint16))
        table: Array = getattr(self, name)[:size].reshape(self.layout.slots, self.count, WIDTH)
        return table

    def swap(self) -> None:
        """The fractions found become the reference of the next outer step."""
        self.ref_lane, self.cur_lane = self.cur_lane, self.ref_lane
        self._ref, self._cur = self._cur, self._ref
        self._swap_nodes()

    def _swap_nodes(self) -> None:
        self.ref_node, self.cur_node = self.cur_node, self.ref_node
        self.ref_deliver, self.cur_deliver = self.cur_deliver, self.ref_deliver

    def each(self, work: Callable[[int, int], Any]) -> list[Any]:
        """Call ``work(block, thread)`` for every block; which thread has which block is fixed."""
        # by turns, so that blocks of every class fall to every thread
        share = [np.arange(i, self.blocks.count, self.threads) for i in range(self.threads)]

        def run(thread: int) -> list[Any]:
            return [work(int(b), thread) for b in share[thread]]

        if self.threads == 1:
            return run(0)
        return [x for part in self.pool.map(run, range(self.threads)) for x in part]

    def soft(self, mix: float) -> Array:
        """Policies at the extrapolated prices, and the loads they make (T, R)."""
        lay, blocks = self.layout, self.blocks
        for s in self.scratch:
            s["loads"][:] = 0
        for k, cost in self.departure.items():
            wait = F32(blocks.wait[blocks.cls == k][0])
            departures(self.ahead, self.cost32["lane_cost"], lay.tau, wait, cost)

        def one(b: int, thread: int) -> None:
            s = self.scratch[thread]
            soft_backward(
                b, self.ahead, self.departure[int(blocks.cls[b])], self.starts[b], self.lane, lay.arrives,
                self.cost32["sort_cost"], self.cost32["deliver_cost"], blocks.target[b], blocks.targets_here[b],
                F32(blocks.wait[b]), F32(blocks.at_sender[b]), F32(blocks.end[b]), self.mu[b], F32(mix),
                lay.hold, lay.ban, self.ban_cost32[b], lay.embargo, self.embargo_cost32[b],
                self.ref_lane, self.ref_node, self.ref_deliver, self.cur_lane, self.cur_node, self.cur_deliver,
                s["vin"], s["vout"], s["voff"], s["work"],
            )  # fmt: skip
            load_forward(
                b, self.starts[b], self.lane, lay.box, blocks.target[b], blocks.targets_here[b], lay.hold,
                lay.day, self.share32, blocks.supply, *self.stock32, blocks.arriving[b],
                self.cur_lane, self.cur_node, self.cur_deliver, s["loads"], s["inbox"], s["off"], s["hin"], s["hout"],
            )  # fmt: skip

        self.each(one)
        total = self.scratch[0]["loads"].copy()
        for s in self.scratch[1:]:
            total += s["loads"]
        return total

    def _exact(self, b: int, thread: int, price: Array, way: Array, end: float, used: Array, all_voff: Array) -> float:
        lay, blocks, s = self.layout, self.blocks, self.scratch[thread]
        return float(
            exact_value(
                b, price, way, self.all_starts[b], self.all_lanes[b], lay.arrives, lay.sort_cost, lay.deliver_cost,
                blocks.target[b], blocks.targets_here[b], blocks.wait[b], blocks.at_sender[b], end, lay.hold, lay.ban,
                blocks.ban_cost[b], lay.embargo, blocks.embargo_cost[b], lay.day, lay.share, blocks.supply,
                blocks.held, blocks.unsorted, blocks.sorted, blocks.arriving[b], s["vin64"], s["vout64"], s["voff64"],
                used.size > 0, used, all_voff.size > 0, all_voff,
            )
        )  # fmt: skip

    def _ways(self, price: Array) -> dict[int, Array]:
        """Costs of departing by class (T, E) in double precision."""
        lay, blocks = self.layout, self.blocks
        ways = {k: np.zeros((lay.slots, lay.lanes)) for k in self.departure}
        for k, cost in ways.items():
            departures(price, lay.lane_cost, lay.tau, float(blocks.wait[blocks.cls == k][0]), cost)
        return ways

    def bound(self, price: Array | None = None, used: Array | None = None) -> float:
        """The proven lower bound at the given prices (T, R), in double precision over all lanes.

        ``used`` (B, E), if given, counts how often each lane is the best way on.
        """
        lay = self.layout
        live = np.where(lay.live, self.price if price is None else price, 0.0).astype(float)
        p = np.where(lay.shut, float(self.barrier), live)
        none, none3, ways = np.zeros(0), np.zeros((0, 0, 0)), self._ways(p)
        blocks = self.blocks

        def one(b: int, thread: int) -> float:
            counted = none if used is None else used[b]
            return self._exact(b, thread, p, ways[int(blocks.cls[b])], float(blocks.end[b]), counted, none3)

        value = sum(self.each(one))
        return value - float((live * lay.base).sum()) - float((lay.extra * np.maximum(0.0, live - lay.premium)).sum())

    def out_of_reach(self) -> tuple[Array, Array]:
        """Parcels (B, W) that no way delivers inside the horizon, and their least cost (B, W), at no prices."""
        lay, blocks = self.layout, self.blocks
        far = 1e9
        price = np.where(lay.shut, 1e12, 0.0)
        ways = self._ways(price)
        keep = [np.zeros((lay.slots, lay.facilities, WIDTH)) for _ in self.scratch]
        parcels, cost = np.zeros((blocks.count, WIDTH)), np.zeros((blocks.count, WIDTH))

        def one(b: int, thread: int) -> None:
            s, kept = self.scratch[thread], keep[thread]
            self._exact(b, thread, price, ways[int(blocks.cls[b])], far, np.zeros(0), kept)
            pieces = [(blocks.supply[lay.day, :, b, :] * lay.share[:, None, None], kept)]
            pieces.append((blocks.unsorted[:, b], s["vin64"][0]))
            pieces.append((blocks.sorted[:, b], s["vout64"]))
            if lay.hold:
                pieces.append((blocks.held[:, b], s["voff64"]))
            rows = blocks.arriving[b]
            at = rows[:, :3].astype(np.int64).T
            arriving = np.zeros((len(rows), WIDTH))
            arriving[np.arange(len(rows)), at[2]] = rows[:, 3]
            pieces.append((arriving, s["vin64"][at[0], at[1]]))
            for amount, value in pieces:
                lost = np.where(value >= far / 2, amount, 0.0)
                axes = tuple(range(amount.ndim - 1))
                parcels[b] += lost.sum(axis=axes)
                cost[b] += (lost * (value - far + blocks.end[b])).sum(axis=axes)

        self.each(one)
        return parcels, cost

    def primal(self, price: Array, *, at_price: float = 1.0, pull: float = 1.0, sink: Sink | None = None) -> Tally:
        """A plan within every limit, made from the fractions slot by slot (repair.py).

        Extra capacity is used from ``at_price`` times its premium on. A scarce row that would stay idle
        raises the fractions of what waits for it up to ``pull`` times. ``sink`` is called after each slot
        with what was decided there.
        """
        lay, blocks = self.layout, self.blocks
        shape = (lay.facilities, blocks.count, WIDTH)
        inbox = aligned((self.threads, lay.ring, *shape), float)
        off, hin, hout = (aligned(shape, float, x) for x in (blocks.held, blocks.unsorted, blocks.sorted))
        loads = np.zeros((lay.slots, lay.rows))
        under_way, waiting, outside = np.zeros((3, self.threads, blocks.count))
        widest = int(np.diff(lay.start).max(initial=0)) + 2
        most = int((self.starts[:, 1:] - self.starts[:, :-1]).sum(axis=0).max(initial=0)) + 1
        work = [
            {
                "fraction": aligned((blocks.count, WIDTH), float),
                "amount": np.zeros(blocks.count),
                "tilt": np.ones(widest),
                "want": np.zeros(widest),
                "weight": aligned((most, WIDTH), float),
            }
            for _ in range(self.threads)
        ]
        writing = sink is not None
        accepted = aligned(shape if writing else (1, 1, WIDTH), float)
        sorted_ = aligned(accepted.shape, float)
        delivered = np.zeros((blocks.count, WIDTH))
        flow = aligned((self.count if writing else 1, WIDTH), float)
        order = np.argsort(-np.diff(lay.start), kind="stable")
        mine = [np.sort(order[i :: self.threads]) for i in range(self.threads)]
        arriving: dict[int, list[tuple[int, int, int, float]]] = {}
        for b, rows in enumerate(blocks.arriving):
            for t, f, j, n in rows:
                arriving.setdefault(int(t), []).append((int(f), b, int(j), float(n)))
        for t in range(lay.slots):
            for f, b, j, n in arriving.get(t, ()):
                hin[f, b, j] += n
            usable = lay.extra[t] * (price[t] >= at_price * lay.premium)
            room = np.where(lay.live[t], lay.base[t] + usable, np.where(lay.shut[t], 0.0, NO_ROOM)) * (1 - 1e-12)
            priced = lay.live[t] & (price[t] > 0)
            if writing:
                for a in (accepted, sorted_, delivered, flow):
                    a[...] = 0.0

            def run(i: int, t: int = t, room: Array = room, priced: Array = priced) -> None:
                w = work[i]
                repair_slot(
                    t, mine[i], blocks.class_first, self.starts, self.lane, lay.tau[t], lay.to, blocks.target,
                    blocks.targets_here, lay.hold, room, priced, pull, DROP, blocks.supply[lay.day[t]], lay.share[t],
                    inbox, off, hin, hout, self.cur_lane, self.cur_node, self.cur_deliver, lay.lanes, lay.facilities,
                    loads[t], accepted, sorted_, delivered, flow, i, writing, under_way, waiting, outside,
                    w["fraction"], w["amount"], w["tilt"], w["want"], w["weight"],
                )  # fmt: skip

            if self.threads == 1:
                run(0)
            else:
                list(self.pool.map(run, range(self.threads)))
            if sink is not None:
                sink(t, off, hin, hout, accepted, sorted_, delivered, flow)
        left = hin.sum(axis=(0, 2)) + hout.sum(axis=(0, 2)) + off.sum(axis=(0, 2)) * lay.hold
        return tally(lay, blocks, loads, waiting.sum(axis=0), outside.sum(axis=0), under_way.sum(axis=0), left)


@dataclass(frozen=True)
class Policies:
    """Fractions and the prices they answer, with the candidate lanes they are of."""

    lanes: Array
    nodes: Array
    deliver: Array
    price: Array
    starts: Array
    lane: Array
    owner: Array


Sink = Callable[[int, Array, Array, Array, Array, Array, Array, Array], None]
NO_ROOM = 1e15
ALONE = 200_000  # lanes × slots × blocks below which one thread is quicker than handing out work
DROP = 1e-4  # fractions of lanes below this are not carried out

"""The national method: prices move until bound and plan meet.

In:     Problem, limits, prices to start from
Out:    DualResult: prices, proven bound, the best plan within every limit
Not:    the passes (state.py), how prices move (prices.py)
Words:  outer step = iterations with one reference; mu = how much dearer an option may be and still be used;
        slack = what a lane costs beyond the cheapest way at no prices
Source: docs/solver.md
"""

from __future__ import annotations

import resource
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearway.core.errors import PlanError
from clearway.planning.dual.layout import Layout, build_blocks, build_layout
from clearway.planning.dual.outcome import Collector, DualResult, FloorSink, by_row, table_of
from clearway.planning.dual.prices import move_prices
from clearway.planning.dual.rounding import bind_to_hops
from clearway.planning.dual.state import Policies, State
from clearway.planning.dual.tally import Tally
from clearway.planning.dual.vector import WIDTH
from clearway.planning.problem import Problem
from clearway.planning.sortplan import SortPlan

Array = NDArray[Any]
F32 = np.float32
MU_FIRST = 0.3  # mu for the first policies at earlier prices
MU_WARM = (0.8,)  # and after that
ETA = 0.4  # step in units of mu; more than 0.5 is unstable
GAIN = (1.4, 4.0, 0.5, 0.1)  # a slot's own step: growth and limit while the sign stays, cut and floor when it turns
SLACK_WARM = 3.0  # as Pace.slack, where earlier prices say which lanes are of use
SHARE = 3e-3  # a lane that no parcel ever takes with more than this weight is no candidate
FIRST_PLAN = 5  # iterations
PLANS = ((0.5, 4.0), (0.1, 1.0))  # how plans are tried: extra from which part of its premium on, pull
STALL = 20  # outer steps without a hundredth of progress after which the method ends
MAX_OUTER = 400
RECENT = 4  # outer steps whose prices are averaged in the end
SMOOTH = 1e-5  # part of the bound that may be given for smoother prices
SMALL = 20_000_000  # options up to which all lanes are candidates and a plan is tried after every outer step


@dataclass(frozen=True)
class Pace:
    """How fast prices move. Units: see ``_unit``; chosen by measurement (docs/solver.md)."""

    outer: int  # iterations with one reference
    mu: tuple[float, ...]  # by outer step
    mix: float  # least weight of an option: what the reference has forgotten can come back
    common: float  # how much faster a whole row may move than its slots
    slack: float  # beyond the cheapest way, within which a lane is a candidate at first


# Parcels that wait at senders press on nothing. Those that wait inside pay overflow, so that prices of queues
# reach further and must move faster.
HELD = Pace(outer=20, mu=(3.5, 2.5, 2.0, 1.6, 1.25), mix=3e-3, common=5.0, slack=12.0)
INSIDE = Pace(outer=30, mu=(40.0, 20.0, 10.0, 5.0, 2.5, 1.25), mix=1e-3, common=30.0, slack=8.0)
INSIDE_SMALL = Pace(outer=40, mu=INSIDE.mu, mix=1e-4, common=30.0, slack=float("inf"))


def solve_dual(
    problem: Problem,
    *,
    gap: float,
    time_limit: float | None = None,
    threads: int = 2,
    start: Mapping[str, Array] | None = None,
    flows: bool = False,
    memory_limit: float | None = None,
    waves: Sequence[str] | None = None,
    most_iterations: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> DualResult:
    """Plan by prices; ends at ``gap``, at the time limit, on Ctrl-C or where nothing gets better.

    Parameters
    ----------
    start
        Prices by row (ids, T) of an earlier plan.
    flows
        Whether the decisions of the best plan are returned cell by cell (large for a country).
    waves
        Clocks at which waves begin, where a sort plan is wanted.
    memory_limit
        Bytes that the process may come to use: the number of candidate lanes is held to what fits.

    Raises
    ------
    PlanError
        Where not even the fewest candidate lanes fit into ``memory_limit``.
    """
    begun = time.perf_counter()
    run = _Run(problem, threads, begun, progress or (lambda text: None), memory_limit)
    status = "stalled"
    try:
        status = run.climb(gap, time_limit, start, flows, most_iterations)
    except KeyboardInterrupt:
        status = "interrupted"
        run.state.settle()
        if run.best is None:
            run.state.begin(run.blocks.near(run.layout, 0.0))
            run.try_plan(flows)
    return run.result(status, flows, waves)


class _Run:
    def __init__(
        self,
        problem: Problem,
        threads: int,
        begun: float,
        say: Callable[[str], None],
        memory_limit: float | None = None,
    ) -> None:
        self.problem, self.begun, self.say = problem, begun, say
        self.layout = build_layout(problem)
        self.blocks = build_blocks(problem, self.layout)
        self.unit = _unit(problem, self.layout)
        self.state = State(self.layout, self.blocks, threads)
        self.most = 1 << 62 if memory_limit is None else self._most_lanes(memory_limit)
        floor = min([w for w in problem.time_value if w > 0], default=1.0)
        factor = np.clip((problem.time_value[self.blocks.cls] / floor) ** 0.6, 1.0, 10.0)
        self.factor = factor.astype(F32)
        self.zero = self.state.bound(np.zeros_like(self.state.price))
        self.bound, self.bound_price = self.zero, np.zeros_like(self.state.price)
        self.best: Tally | None = None
        self.kept: tuple[Policies, float, float] | None = None
        self.way, self.fresh = PLANS[0], False  # how the best plan was made; whether its policies are still there
        self.recent: deque[Array] = deque(maxlen=RECENT)
        self.course: list[tuple[float, float, float]] = []
        self.rounded: tuple[float, float] | None = None
        self.iterations = 0

    def _most_lanes(self, limit: float) -> int:
        """How many candidate lanes fit, beside what the process holds and a plan needs."""
        used = 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        most = int((limit - used - self.state.bytes_of_plan) / self.state.bytes_of_lane)
        least = int(self.blocks.near(self.layout, 0.0).sum())
        if most < least:
            needed = used + self.state.bytes_of_plan + least * self.state.bytes_of_lane
            raise PlanError(
                f"The plan would need at least {needed / 2**30:.1f} GiB; --memory-limit gives {limit / 2**30:.1f}. "
                "Plan fewer places (--places), fewer days (--days) or longer slots (--slot-hours)."
            )
        return most

    def _fitting(self, wanted: Callable[[float], Array], slack: float) -> Array:
        """The candidate lanes of the widest slack up to ``slack`` that fit into memory."""
        mask = wanted(slack)
        while mask.sum() > self.most and slack > 1e-3 * self.unit:
            slack = min(slack, float(self.blocks.slack.max(initial=0.0))) / 2
            mask = wanted(slack)
        return mask if mask.sum() <= self.most else self.blocks.near(self.layout, 0.0)

    def seconds(self) -> float:
        return time.perf_counter() - self.begun

    @property
    def gap(self) -> float:
        if self.best is None:
            return float("inf")
        return (self.best.objective - self.bound) / max(abs(self.bound), 1e-9)

    def try_plan(self, flows: bool) -> None:
        """Repair the policies into plans, in each of the ways of PLANS; the best of all is kept."""
        state = self.state
        for at_price, pull in PLANS[: 1 if self.iterations == FIRST_PLAN else None]:
            tally = state.primal(state.price, at_price=at_price, pull=pull)
            if self.best is None or tally.objective < self.best.objective:
                self.best = tally
                self.way, self.fresh = (at_price, pull), True
                if flows:
                    self.kept = state.policies(), at_price, pull

    def try_bound(self, used: Array | None = None) -> None:
        value = self.state.bound(used=used)
        if value > self.bound:
            self.bound, self.bound_price = value, self.state.price.copy()

    def climb(
        self, gap: float, limit: float | None, start: Mapping[str, Array] | None, flows: bool, most: int | None
    ) -> str:
        state, lay = self.state, self.layout
        small = self.blocks.allowed.sum() * lay.slots * WIDTH < SMALL
        pace = HELD if lay.hold else INSIDE_SMALL if small else INSIDE
        self._start(start, np.inf if small else pace.slack * self.unit)
        mus = pace.mu if start is None else MU_WARM
        first_common = np.ones(lay.rows, bool)
        first_common[lay.storage] = False
        common, sign = np.ones(lay.rows), np.zeros(lay.rows)
        base, extra = state.base32, state.extra32
        gain, settings = np.ones(state.price.shape, F32), np.array(GAIN)
        momentum, eta_factor, before = 0.0, 1.0, np.inf
        every = pace.outer // 2 if small else 2 * pace.outer
        last_best, idle = np.inf, 0
        for outer in range(MAX_OUTER):
            eta = ETA * eta_factor
            mu = mus[min(outer, len(mus) - 1)] * self.unit
            state.mu[:] = mu * self.factor
            steps = np.full(lay.rows, eta * mu)
            violation = 0.0
            for _ in range(pace.outer):
                self.fresh = False
                loads = state.soft(1e-6 if outer == 0 and start is None else pace.mix)
                self.iterations += 1
                over = limit is not None and self.seconds() > limit
                ends = over or (most is not None and self.iterations >= most)
                if self.iterations % every == 0 or ends or self.iterations == FIRST_PLAN:
                    self.try_plan(flows)
                moved, turn = move_prices(
                    state.price, state.ahead, base, extra, state.premium32, state.cap32, lay.live, loads, common, sign,
                    steps, momentum, pace.common, first_common, gain, settings,
                )  # fmt: skip
                violation += moved / pace.outer
                momentum = 0.0 if turn else momentum + 1
                if (self.iterations % pace.outer == 0 and self.best is not None) or ends:
                    self.try_bound()
                    self._told()
                    if self.gap <= gap:
                        return "gap reached"
                if ends:
                    return "time limit" if over else "iteration limit"
            if outer > 2 and violation > 1.3 * before:  # unstable: smaller steps from here on
                eta_factor = max(0.4, eta_factor * 0.8)
                momentum = 0.0
            before = violation
            self.recent.append(state.price.copy())
            self.fresh = False
            if small:
                state.swap()
            else:
                self._reselect()
            momentum = min(momentum, float(pace.outer))
            idle = 0 if self.gap < last_best * 0.99 else idle + 1
            last_best = min(last_best, self.gap)
            if idle >= STALL:
                return "stalled"
        return "stalled"

    def _start(self, start: Mapping[str, Array] | None, slack: float) -> None:
        """Choose the first candidate lanes and, from earlier prices, the first policies."""
        state, lay = self.state, self.layout
        if start is None:
            state.begin(self._fitting(lambda x: self.blocks.near(lay, x), slack))
            return
        used = np.zeros((self.blocks.count, lay.lanes))
        state.start_at(table_of(lay, start))
        self.try_bound(used)
        state.begin(self._fitting(lambda x: (used > 0) | self.blocks.near(lay, x), SLACK_WARM * self.unit))
        # what the old prices say decides at first, more sharply than one step would
        state.mu[:] = MU_FIRST * self.unit * self.factor
        state.soft(1e-6)
        state.swap()

    def _reselect(self) -> None:
        state, lay = self.state, self.layout
        used = np.zeros((self.blocks.count, lay.lanes))
        self.try_bound(used)
        score = np.minimum(used, 1.0) * 2.0  # what the bound asks for comes first
        found = state.largest()
        score[state.owner, state.lane] += np.where(found > SHARE, found, 0.0)
        mask = score > 0
        if mask.sum() > self.most:
            mask = score >= max(np.sort(score, axis=None)[-self.most], 1e-9)
            mask &= np.cumsum(mask).reshape(mask.shape) <= self.most
        state.reselect(mask)

    def smooth(self) -> None:
        """Report the mean of the last prices where it proves as much: the same answer whichever of several was last.

        The bound is concave, so it proves at least what the worst of them does, and mostly more than each.
        """
        if self.recent:
            mean: Array = np.asarray(np.mean([self.bound_price, *self.recent], axis=0, dtype=np.float64), F32)
            value = self.state.bound(mean)
            if value >= self.bound - SMOOTH * abs(self.bound):
                self.bound, self.bound_price = value, mean

    def _told(self) -> None:
        assert self.best is not None
        self.course.append((self.seconds(), self.bound, self.best.objective))
        late = float(self.best.left.sum())
        over = np.maximum(0.0, self.best.loads - self.layout.base)[:, self.layout.storage].max(initial=0.0)
        self.say(
            f"{self.seconds():.0f} s, {self.iterations} iterations: gap {100 * self.gap:.2f} %, "
            f"{late:,.0f} parcels undelivered, {over:,.0f} beyond storage at most"
        )

    def _sort_plan(self, waves: Sequence[str]) -> SortPlan:
        """The sort plan of the best plan, or of the last policies where those of the best are gone."""
        if not self.fresh:
            self.state.soft(HELD.mix)
        sink = FloorSink(self.state, self.problem, waves)
        at_price, pull = self.way
        tally = self.state.primal(self.state.price, at_price=at_price, pull=pull, sink=sink)
        if self.best is None or tally.objective < self.best.objective:
            self.best = tally
        self._round(sink.waves.of_slot, sink.hops.parts, tally)
        return sink.sort_plan()

    def _round(self, of_slot: Array, parts: Sequence[tuple[Array, ...]], whole: Tally) -> None:
        """What the plan costs when everything goes by its sort plan, timing free; policies are changed."""
        bind_to_hops(self.state, of_slot, parts)
        tries = [self.state.primal(self.state.price, at_price=at, pull=pull).objective for at, pull in PLANS]
        self.rounded = whole.objective, min(tries)

    def result(self, status: str, flows: bool, waves: Sequence[str] | None = None) -> DualResult:
        assert self.best is not None
        lay, blocks, state = self.layout, self.blocks, self.state
        cells = None
        if flows and self.kept is not None:
            policies, at_price, pull = self.kept
            state.restore(policies)
            sink = Collector(state)
            self.best = state.primal(state.price, at_price=at_price, pull=pull, sink=sink)
            cells = sink.cells()
            if waves is not None:
                floor = FloorSink(state, self.problem, waves)
                state.primal(state.price, at_price=at_price, pull=pull, sink=floor)
                self._round(floor.waves.of_slot, floor.hops.parts, self.best)
        sort_plan = None if waves is None or cells is not None else self._sort_plan(waves)
        self.smooth()
        parcels, cost = state.out_of_reach()
        lost: dict[int, float] = {}
        for target, amount in zip(blocks.target[parcels > 0].tolist(), parcels[parcels > 0].tolist(), strict=True):
            lost[target] = lost.get(target, 0.0) + amount
        totals = np.zeros((len(self.problem.class_names), 3))
        best = self.best
        for column, value in enumerate((best.left, best.waiting + best.under_way, best.held)):
            np.add.at(totals[:, column], blocks.cls, value)
        state.pool.shutdown()
        return DualResult(
            prices=by_row(lay, np.where(lay.live, self.bound_price, 0.0)),
            bound=self.bound,
            bound_at_zero=self.zero,
            tally=best,
            parcels_by_class=totals,
            loads=by_row(lay, best.loads),
            cells=cells,
            sort_plan=sort_plan,
            out_of_reach=(float(parcels.sum()), float(cost.sum()), lost),
            iterations=self.iterations,
            status=status,
            seconds=self.seconds(),
            course=tuple(self.course),
            rounded=self.rounded,
        )


def _unit(problem: Problem, layout: Layout) -> float:
    """The scale of costs: waiting one slot in the cheapest class, else a part of what lanes or penalties cost."""
    waits = [w * layout.dt for w in problem.time_value if w > 0]
    if waits:
        return float(min(waits))
    cost = float(np.median(layout.lane_cost)) if layout.lanes else 0.0
    return max(0.01 * cost, 1e-3 * float(problem.penalty.max(initial=0.0)), 1e-6)

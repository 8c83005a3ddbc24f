"""What came of a simulation: measures, tables by class, pair, facility and slot, scan events; its files.

In:     Inputs and the runs of one policy
Out:    Outcome, in memory and on disk
Not:    running (engine.py), pictures (reporting)
Words:  judged = offered at least 72 h before the end; what of it is not delivered by then is late;
        stages: origin processing = accepted to leaving the origin, transport = to arrival at the destination,
        destination processing = to going out, delivery = to the recipient
Source: docs/simulation.md
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clearway.cases import Case
from clearway.core.errors import SimulationError
from clearway.core.files import staged_folder
from clearway.core.timegrid import format_time
from clearway.simulation.engine import Run
from clearway.simulation.inputs import Inputs
from clearway.simulation.places import STUCK
from clearway.simulation.state import COSTS, FINISHED, HELD, LOST_WAY, MEASURES, OFFERED, ON_ROUND, UNDER_WAY, WAITING

Array = NDArray[Any]
FILES = frozenset(
    {"outcome.json", "classes.csv", "pairs.parquet", "facilities.csv", "slots.parquet", "events.parquet", "report.html"}
)
STAGES = ("origin_processing", "transport", "destination_processing", "delivery", "whole_trip")
_EVENTS = ("accepted", "arrived", "sorted", "departed", "out-for-delivery", "attempted", "delivered")


@dataclass(frozen=True, eq=False)
class Outcome:
    """Means over all runs. classes: class, inter_city, judged, parcels and the hours and shares of each;
    pairs: origin, destination, judged, delivered, mean_hours, share_72h; facilities: overflow, what is left and
    when it clears; slots: facility, slot, start, waiting, held, overflow."""

    facts: dict[str, Any]
    classes: pl.DataFrame
    pairs: pl.DataFrame
    facilities: pl.DataFrame
    slots: pl.DataFrame
    events: pl.DataFrame | None = None

    def summary(self) -> dict[str, Any]:
        """What outcome.json holds."""
        return self.facts

    def write(self, folder: str | Path, *, report: str | None = None) -> Path:
        """Write the files; older ones stay whole until all are written. Returns the folder."""
        target = Path(folder)
        with staged_folder(target, FILES) as staging:
            text = json.dumps(self.facts, ensure_ascii=False, indent=2)
            (staging / "outcome.json").write_text(text + "\n", encoding="utf-8")
            (staging / "classes.csv").write_text(self.classes.write_csv(), encoding="utf-8-sig")
            (staging / "facilities.csv").write_text(self.facilities.write_csv(), encoding="utf-8-sig")
            self.pairs.write_parquet(staging / "pairs.parquet")
            self.slots.write_parquet(staging / "slots.parquet")
            if self.events is not None:
                self.events.write_parquet(staging / "events.parquet")
            if report is not None:
                (staging / "report.html").write_text(report, encoding="utf-8")
        return target

    @staticmethod
    def read(folder: str | Path) -> Outcome:
        """Read a written outcome; raises SimulationError where it is none."""
        path = Path(folder)
        try:
            facts = json.loads((path / "outcome.json").read_text(encoding="utf-8"))
            classes, facilities = (
                pl.read_csv(path / name, schema_overrides={"facility": pl.String}, try_parse_dates=False)
                for name in ("classes.csv", "facilities.csv")
            )
            pairs, slots = (pl.read_parquet(path / name) for name in ("pairs.parquet", "slots.parquet"))
            events = pl.read_parquet(path / "events.parquet") if (path / "events.parquet").exists() else None
        except FileNotFoundError as error:
            name = Path(error.filename or "").name
            raise SimulationError(f"{path} is not a simulation: {name} is missing.") from error
        except (ValueError, OSError, pl.exceptions.PolarsError) as error:
            raise SimulationError(f"{path} cannot be read as a simulation: {str(error).splitlines()[0]}") from error
        return Outcome(facts, classes, pairs, facilities, slots, events)


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None


def measures(inputs: Inputs, case: Case, run: Run) -> dict[str, Any]:
    """The measures of one run, nested as in outcome.json."""
    flow = run.flow
    have = flow.have.sum(axis=0)
    by_class = flow.by_class.sum(axis=0)
    far = dict(zip(MEASURES, by_class[:, 1].sum(axis=0).tolist(), strict=True))
    judged = flow.judged.sum(axis=0)
    promised = np.isfinite(inputs.world.promise)
    left = have[:, OFFERED] - have[:, FINISHED]
    costs = dict(zip(COSTS, flow.cost.sum(axis=0).tolist(), strict=True))
    penalty = np.array([c.undelivered_penalty for c in case.settings.classes])
    costs["undelivered"] = float((penalty * left).sum())
    under_way = int(flow.place[:, UNDER_WAY].sum())
    far_judged = float(judged[:, 1].sum())
    return {
        "stages_h": {s: _share(far[s], far["parcels"]) for s in STAGES},
        "from_acceptance_h": _share(far["from_acceptance"], far["parcels"]),
        "share_72h": _share(far["within_72h"], far_judged),
        "share_72h_from_acceptance": _share(far["within_72h_of_acceptance"], far_judged),
        "share_within_promise": _share(
            float(by_class[promised][:, :, MEASURES.index("within_promise")].sum()), float(judged[promised].sum())
        ),
        "overflow_hours": float(flow.over[:, 0].sum()),
        "overflow_parcel_hours": float(flow.over[:, 1].sum()),
        "backlog_age_h": run.mean_age,
        "parcels": {
            "offered": int(have[:, OFFERED].sum()),
            "delivered": int(have[:, FINISHED].sum()),
            "waiting": int(left.sum()) - under_way,
            "in_transit": under_way,
            "held_at_senders": int(have[:, HELD].sum()),
            "at_facilities": int(have[:, WAITING].sum()),
            "out_for_delivery": int(flow.place[:, ON_ROUND].sum()),
        },
        "cost": sum(costs.values()),
        "costs": costs,
        "shortest_way_taken": int(flow.place[:, LOST_WAY].sum()),
    }


def _mean(values: Sequence[Any]) -> Any:
    """Mean of equal structures of numbers."""
    first = values[0]
    if isinstance(first, dict):
        return {key: _mean([v[key] for v in values]) for key in first}
    if any(v is None for v in values):
        return None
    mean = float(np.mean(values))
    return int(mean) if mean == int(mean) and all(isinstance(v, int) for v in values) else mean


def _spread(values: Sequence[Any]) -> Any:
    """Standard deviation (of a sample) of equal structures of numbers."""
    first = values[0]
    if isinstance(first, dict):
        return {key: _spread([v[key] for v in values]) for key in first}
    return None if any(v is None for v in values) else float(np.std(values, ddof=1))


def build_outcome(
    inputs: Inputs, case: Case, policy: str, runs: Sequence[Run], seeds: Sequence[int], seconds: float
) -> Outcome:
    """Put the runs of a policy together."""
    each = [measures(inputs, case, run) for run in runs]
    facts: dict[str, Any] = {
        "case": case.identity(),
        "policy": policy,
        "seeds": list(seeds),
        "runs": len(runs),
        "clock_minutes": inputs.settings.clock_minutes,
        "stopped_at": None if runs[0].steps == inputs.grid.slots else format_time(inputs.grid.time(runs[0].steps)),
        **_mean(each),
        "cannot_leave": _stuck(inputs, runs[0]),
        "warnings": [w.text() for w in (*case.warnings, *case.without_effect())],
        "warnings_zh": [w.text("zh") for w in (*case.warnings, *case.without_effect())],
        "seconds": seconds,
    }
    if len(runs) > 1:
        facts["spread"] = _spread(each)
    return Outcome(
        facts,
        _classes(inputs, runs),
        _pairs(inputs, runs),
        _facilities(inputs, runs),
        _slots(inputs, runs),
        _event_frame(inputs, runs[0]) if inputs.world.sample > 0 else None,
    )


def _stuck(inputs: Inputs, run: Run) -> list[dict[str, Any]]:
    """Parcels that have no way on from where they are at the end, by facility; the most first."""
    k, f = len(inputs.class_names), len(inputs.facilities)
    lines = run.flow.q.line["parcels"]
    stuck = lines[STUCK * f * k : (STUCK + 1) * f * k].reshape(f, k).sum(axis=1)
    world = inputs.world
    found = []
    for i in np.argsort(-stuck, kind="stable")[: int((stuck > 0).sum())].tolist():
        lanes = slice(int(world.lane_start[i]), int(world.lane_start[i + 1]))
        if lanes.start == lanes.stop:
            why = "no lane leaves it"
        elif not (world.depart[lanes] + world.depart_extra[lanes] > 0).any():
            why = "its lanes have no capacity in the horizon"
        else:
            why = "no way leads from there to their destinations"
        found.append({"facility": inputs.facilities[i], "parcels": int(stuck[i]), "why": why})
    return found


COMPARED = (
    "cost",
    "stages_h.whole_trip",
    "share_72h",
    "share_within_promise",
    "overflow_hours",
    "overflow_parcel_hours",
    "backlog_age_h",
    "parcels.delivered",
    "parcels.waiting",
    "parcels.held_at_senders",
    "costs.transport",
    "costs.time",
    "costs.extra",
    "costs.overflow",
    "costs.undelivered",
)


def compare_outcomes(outcomes: Sequence[Outcome], names: Sequence[str]) -> dict[str, Any]:
    """Measures of several outcomes side by side; raises SimulationError where they do not tell of the same parcels."""
    offered = {o.facts["parcels"]["offered"] for o in outcomes}
    if len(offered) > 1:
        raise SimulationError(
            "These simulations offer different parcels ("
            + ", ".join(f"{n}: {o.facts['parcels']['offered']:,.0f}" for n, o in zip(names, outcomes, strict=True))
            + "), so they cannot be compared."
        )

    def value(facts: dict[str, Any], key: str) -> Any:
        for part in key.split("."):
            facts = facts[part]
        return facts

    return {
        "runs": list(names),
        "policies": [o.facts["policy"] for o in outcomes],
        "measures": [{"measure": key, "values": [value(o.facts, key) for o in outcomes]} for key in COMPARED],
    }


def _classes(inputs: Inputs, runs: Sequence[Run]) -> pl.DataFrame:
    sums = np.mean([r.flow.by_class.sum(axis=0) for r in runs], axis=0)
    judged = np.mean([r.flow.judged.sum(axis=0) for r in runs], axis=0)
    rows = []
    for k, name in enumerate(inputs.class_names):
        for far in (0, 1):
            c = dict(zip(MEASURES, sums[k, far].tolist(), strict=True))
            n, of = c["parcels"], float(judged[k, far])
            rows.append(
                {
                    "class": name,
                    "inter_city": bool(far),
                    "judged": of,
                    "delivered": n,
                    **{f"{s}_h": _share(c[s], n) for s in (*STAGES, "from_acceptance")},
                    "share_72h": _share(c["within_72h"], of),
                    "share_within_promise": _share(c["within_promise"], of)
                    if np.isfinite(inputs.world.promise[k])
                    else None,
                    "share_72h_from_acceptance": _share(c["within_72h_of_acceptance"], of),
                }
            )
    return pl.DataFrame(rows, infer_schema_length=None)


def _pairs(inputs: Inputs, runs: Sequence[Run]) -> pl.DataFrame:
    pair = np.mean([r.flow.pair for r in runs], axis=0)
    d, o = np.nonzero(pair[:, :, 0] > 0)
    judged, delivered, hours, in_time = pair[d, o].T
    names = pl.Series(list(inputs.facilities), dtype=pl.String)
    with np.errstate(invalid="ignore", divide="ignore"):
        return pl.DataFrame(
            {
                "origin": names.gather(o.astype(np.uint32)),
                "destination": names.gather(d.astype(np.uint32)),
                "judged": judged,
                "delivered": delivered,
                "mean_hours": pl.Series(hours / delivered).fill_nan(None),
                "share_72h": in_time / judged,
            }
        ).sort("origin", "destination")


def _facilities(inputs: Inputs, runs: Sequence[Run]) -> pl.DataFrame:
    over = np.mean([r.flow.over[:, :3] for r in runs], axis=0)
    last = np.max([r.flow.over[:, 3] for r in runs], axis=0).astype(int)
    have = np.mean([r.flow.have.sum(axis=1) for r in runs], axis=0)
    origin = np.mean([r.flow.by_origin.sum(axis=0) for r in runs], axis=0)
    near = np.mean([r.flow.by_class[:, :, 1].sum(axis=1) for r in runs], axis=0)
    at = MEASURES.index
    steps = inputs.grid.slots
    clears = [
        None if t < 0 else format_time(inputs.grid.time(t + 1)) if t + 1 < steps else "later" for t in last.tolist()
    ]
    with np.errstate(invalid="ignore", divide="ignore"):
        return pl.DataFrame(
            {
                "facility": list(inputs.facilities),
                "offered": have[:, OFFERED],
                "delivered": have[:, FINISHED],
                "waiting_at_end": have[:, WAITING],
                "held_at_end": have[:, HELD],
                "overflow_hours": over[:, 0],
                "overflow_parcel_hours": over[:, 1],
                "overflow_most": over[:, 2],
                "clears": clears,
                "origin_processing_h": pl.Series(origin[:, 1] / origin[:, 0]).fill_nan(None),
                "destination_processing_h": pl.Series(near[:, at("destination_processing")] / near[:, 0]).fill_nan(
                    None
                ),
                "delivery_h": pl.Series(near[:, at("delivery")] / near[:, 0]).fill_nan(None),
            }
        )


def _slots(inputs: Inputs, runs: Sequence[Run]) -> pl.DataFrame:
    slots, count = runs[0].waiting.shape
    starts = pl.Series([inputs.plan_grid.time(t) for t in range(slots)], dtype=pl.Datetime("us"))
    slot = np.repeat(np.arange(slots), count)
    return pl.DataFrame(
        {
            "facility": list(inputs.facilities) * slots,
            "slot": pl.Series(slot, dtype=pl.Int32),
            "start": starts.gather(slot),
            **{
                name: np.mean([getattr(r, name) for r in runs], axis=0).ravel()
                for name in ("waiting", "held", "overflow")
            },
        }
    )


def _event_frame(inputs: Inputs, run: Run) -> pl.DataFrame:
    """Scan events of the parcels that were followed, with the fields of the record type ``scan``."""
    flow = run.flow
    rows = flow.event[: flow.events[0]]
    item, what, facility, step, onward = rows.T
    names = pl.Series(list(inputs.facilities), dtype=pl.String)
    classes = pl.Series(list(inputs.class_names), dtype=pl.String)
    origin, destination, cls, _ = flow.item_place[item].T
    minutes = inputs.grid.slot_minutes
    # an event is at the beginning of its step, but what leaves or is delivered does so at its end
    late = np.isin(what, [_EVENTS.index("departed"), _EVENTS.index("delivered"), _EVENTS.index("attempted")])
    number = pl.Series(np.arange(len(rows), dtype=np.int64))
    # two runs are two sources: the same number of another run is another event
    run_id = hashlib.sha256(rows.tobytes() + repr((inputs.facilities, inputs.grid)).encode()).hexdigest()[:12]
    return pl.DataFrame(
        {
            "event_id": pl.select(pl.format("sim-{}-{}", pl.lit(run_id), number)).to_series(),
            "item_id": pl.select(pl.format("SIM{}", pl.Series(item))).to_series(),
            "step": pl.Series(list(_EVENTS), dtype=pl.String).gather(what.astype(np.uint32)),
            "facility": names.gather(facility.astype(np.uint32)),
            "time": pl.Series([inputs.grid.start] * len(rows), dtype=pl.Datetime("us"))
            + pl.Series((step.astype(np.int64) + late) * minutes * 60_000_000).cast(pl.Duration("us")),
            "item_class": "express",
            "service_class": classes.gather(cls.astype(np.uint32)),
            "origin": names.gather(origin.astype(np.uint32)),
            "destination": names.gather(destination.astype(np.uint32)),
            "next_facility": pl.Series(np.where(onward >= 0, onward, 0).astype(np.uint32))
            .replace_strict(dict(enumerate(inputs.facilities)), return_dtype=pl.String)
            .set(pl.Series(onward < 0), None),
            "origin_of_batch": "simulated",
        }
    ).sort("time", "item_id", maintain_order=True)

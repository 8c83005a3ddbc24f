"""The [simulation] table of a case: the clock, how parcels are handled and delivered.

In:     the table as a dictionary
Out:    SimulationSettings; every unknown or wrong key as a fault
Not:    simulating (simulation)
Words:  round = a delivery tour of all couriers of a place; collection = parcels of that long travel as batches
Source: docs/simulation.md; the values of the built-in country are fitted (python -m scripts.calibrate)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from clearway.core.errors import Faults
from clearway.core.schema import nearest
from clearway.core.timegrid import parse_clock


@dataclass(frozen=True)
class SimulationSettings:
    """How the simulated network works beyond what the planning model says."""

    clock_minutes: int = 15  # a step
    collection_minutes: int = 120
    dispatch_minutes: int = 60  # vehicles of a lane with a rate leave so often
    origin_hours: float = 4.0  # from acceptance until a parcel can be sorted
    travel_factor: float = 1.0  # actual ÷ planned hours of a lane, on average
    travel_variation: float = 0.15  # standard deviation of that ÷ its mean
    destination_hours: float = 4.0  # from the last sorting until a parcel can go out for delivery
    rounds: tuple[str, ...] = ("08:30", "14:30")
    round_hours: float = 4.0
    attempt_success: float = 0.97
    waves: tuple[str, ...] = ("06:00", "18:00")  # parts of a day with a sort plan of their own


def parse_simulation(table: Mapping[str, Any], file: str, faults: Faults) -> SimulationSettings:
    """Settings of a table; what is wrong goes to ``faults`` and keeps its default."""
    known = tuple(f.name for f in fields(SimulationSettings))
    found: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            faults.add("setting_unknown", file, None, f"simulation.{key}", nearest=nearest(key, known))
            continue
        expected = _wrong(key, value)
        if expected:
            faults.add("setting_type", file, None, f"simulation.{key}", value, expected=expected)
        else:
            found[key] = tuple(value) if key in ("rounds", "waves") else value
    made = SimulationSettings(**found)
    for key in ("collection_minutes", "dispatch_minutes"):
        if getattr(made, key) % made.clock_minutes:
            faults.add(
                "setting_type",
                file,
                None,
                f"simulation.{key}",
                getattr(made, key),
                expected=f"a whole number of clock_minutes ({made.clock_minutes})",
            )
    return made


def _wrong(key: str, value: Any) -> str | None:
    """What would be right, where a value is wrong."""
    if key in ("rounds", "waves"):
        if not isinstance(value, list | tuple) or not value or not all(isinstance(v, str) for v in value):
            return "times such as ['08:30', '14:30']"
        try:
            minutes = [parse_clock(v) for v in value]
        except ValueError:
            return "times such as ['08:30', '14:30']"
        return None if sorted(set(minutes)) == minutes and minutes[-1] < 1440 else "different times in order"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "a number"
    if key.endswith("_minutes"):
        return (
            None if value == int(value) and value >= 1 and 1440 % int(value) == 0 else "whole minutes that divide 1440"
        )
    if key == "attempt_success":
        return None if 0 < value <= 1 else "a number above 0 and at most 1"
    if key in ("travel_factor", "round_hours"):
        return None if 0 < value <= 24 else "a number above 0 and at most 24"
    if key == "travel_variation":
        return None if 0 <= value <= 2 else "a number from 0 to 2"
    return None if 0 <= value <= 240 else "hours from 0 to 240"

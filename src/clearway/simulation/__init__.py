"""Carry a plan out, or none, on a clock of its own: what happens to parcels, yards and promises.

In:     Case, Plan
Out:    Outcome: measures, tables, scan events
Not:    planning, pages (reporting)
Words:  batch, round, policy, judged; docs/simulation.md
"""

from clearway.planning.compiled import prepare

prepare()  # kernels choose their folder when they are imported

from clearway.simulation.outcome import Outcome, compare_outcomes  # noqa: E402
from clearway.simulation.policies import POLICIES  # noqa: E402
from clearway.simulation.rehearsal import Rehearsal, rehearse  # noqa: E402
from clearway.simulation.runs import simulate, state_at  # noqa: E402
from clearway.simulation.trial import try_plan  # noqa: E402

__all__ = ["POLICIES", "Outcome", "Rehearsal", "compare_outcomes", "rehearse", "simulate", "state_at", "try_plan"]

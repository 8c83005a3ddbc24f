"""Clearway keeps postal and parcel delivery channels open.

In:     cases (networks, demand, disruptions), notices, records
Out:    Case, plan, Plan, simulate, read_notice, Lake …; loaded when first used, so that ``import clearway`` is quick
Not:    commands (clearway.cli)
Words:  docs/glossary.md
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from clearway.cases import Case
    from clearway.core import ClearwayError, InputError, PlanError, SimulationError
    from clearway.notices import Notice, diff_notices, read_notice
    from clearway.planning import Plan, State, check_plan, diff_plans, plan, replan
    from clearway.records import Lake
    from clearway.rules import Findings, check, load_packs
    from clearway.simulation import Outcome, compare_outcomes, rehearse, simulate

_HOME = {
    "Case": "clearway.cases",
    "ClearwayError": "clearway.core",
    "Findings": "clearway.rules",
    "InputError": "clearway.core",
    "Lake": "clearway.records",
    "Notice": "clearway.notices",
    "Outcome": "clearway.simulation",
    "Plan": "clearway.planning",
    "PlanError": "clearway.core",
    "State": "clearway.planning",
    "SimulationError": "clearway.core",
    "check": "clearway.rules",
    "check_plan": "clearway.planning",
    "diff_notices": "clearway.notices",
    "diff_plans": "clearway.planning",
    "load_packs": "clearway.rules",
    "plan": "clearway.planning",
    "read_notice": "clearway.notices",
    "rehearse": "clearway.simulation",
    "replan": "clearway.planning",
    "compare_outcomes": "clearway.simulation",
    "simulate": "clearway.simulation",
}

__all__ = [
    "Case",
    "ClearwayError",
    "Findings",
    "InputError",
    "Lake",
    "Notice",
    "Outcome",
    "Plan",
    "PlanError",
    "SimulationError",
    "State",
    "__version__",
    "check",
    "check_plan",
    "compare_outcomes",
    "diff_notices",
    "diff_plans",
    "load_packs",
    "plan",
    "read_notice",
    "rehearse",
    "replan",
    "simulate",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'clearway' has no attribute {name!r}")

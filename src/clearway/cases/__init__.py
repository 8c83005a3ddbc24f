"""The Case: settings, network, demand and disruptions together, on disk and in memory.

In:     a folder, an .xlsx or the name of a built-in case
Out:    Case and cases derived from it; the built-in country with its provenance
Not:    plans (planning)
Words:  case, settings, built-in case
"""

from clearway.cases.builtin import builtin_cases, facts_folder
from clearway.cases.case import Case
from clearway.cases.read import read_case
from clearway.cases.settings import ServiceClass, Settings
from clearway.cases.simulated import SimulationSettings

__all__ = ["Case", "ServiceClass", "Settings", "SimulationSettings", "builtin_cases", "facts_folder", "read_case"]

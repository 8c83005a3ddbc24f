"""Words everyone uses: errors and faults, slots, tables read and checked, points, safe files.

In:     files, texts, tables
Out:    typed values, or every fault that stands in the way
Not:    anything that knows a network, a plan, a record
Words:  fault, slot, schema
Rooms import timegrid, tables, geo and files by name, so that the errors alone load quickly.
"""

from clearway.core.errors import ClearwayError, Fault, Faults, InputError, PlanError, SimulationError

__all__ = ["ClearwayError", "Fault", "Faults", "InputError", "PlanError", "SimulationError"]

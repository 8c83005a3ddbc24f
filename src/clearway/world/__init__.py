"""A believable stream of events, returns and registers for a case, with planted violations and their truth.

In:     a case, days, a seed; the cases that stand beside the rules of packs
Out:    files of records by type, and what must be found in them
Not:    judging (rules); what really happened: every record is made up, origin ``generated``
Words:  usual = as it must be; planted = a case of a rule put among the usual records; near miss = just within
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clearway.world.door import World, make_world
    from clearway.world.network import units_of
    from clearway.world.planting import plants
    from clearway.world.usual import usual_records

_HOME = {
    "World": "door", "make_world": "door", "plants": "planting", "units_of": "network", "usual_records": "usual",
}  # fmt: skip

__all__ = ["World", "make_world", "plants", "units_of", "usual_records"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"clearway.world.{_HOME[name]}"), name)
    raise AttributeError(f"module 'clearway.world' has no attribute {name!r}")

"""Closures, bans, reduced capacity and delays, applied to what the network offers.

In:     table disruptions, areas, an Offer
Out:    Disrupted: an Offer by slot after disruptions, with embargoes and transit bans
Not:    where disruptions come from (notices, weather), what to do about them (planning)
Words:  touched slot = one that overlaps the disruption; member = a facility inside the target
"""

from clearway.disruption.effects import Disrupted, Embargo, TransitBan, apply_disruptions
from clearway.disruption.read import SCHEMAS, check_disruptions, parse_areas
from clearway.disruption.targets import Targets, describe_hits
from clearway.disruption.text import disruptions_from_text

__all__ = [
    "SCHEMAS",
    "Disrupted",
    "Embargo",
    "Targets",
    "TransitBan",
    "apply_disruptions",
    "check_disruptions",
    "describe_hits",
    "disruptions_from_text",
    "parse_areas",
]

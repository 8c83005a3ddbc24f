"""Facilities and lanes: read, check, and what they offer slot by slot.

In:     tables places, facilities, lanes; a TimeGrid
Out:    Network (checked tables), Offer (capacities, travel times, costs as arrays by slot)
Not:    disruptions (disruption), what moves (demand)
Words:  facility, lane, row = one capacity of one facility or lane; candidate = absent until opened
"""

from clearway.network.offer import ORDERED, Offer, build_offer
from clearway.network.read import SCHEMAS, Network, check_network, descendants

__all__ = ["ORDERED", "SCHEMAS", "Network", "Offer", "build_offer", "check_network", "descendants"]

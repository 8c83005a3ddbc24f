"""What must move: daily volumes and stock, turned into parcels offered by slot.

In:     tables demand, stock, history; collection profile; TimeGrid
Out:    Offered (parcels per facility, commodity and slot), Standing (stock at the start)
Not:    forecasts (later), capacities (network)
Words:  commodity = a (destination, class) pair; held = waiting at the sender's
"""

from clearway.demand.offered import Offered, build_offered
from clearway.demand.read import SCHEMAS, check_demand, check_stock

__all__ = ["SCHEMAS", "Offered", "build_offered", "check_demand", "check_stock"]

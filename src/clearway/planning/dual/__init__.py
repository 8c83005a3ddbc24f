"""The national method: prices for every row, policies for every commodity, a proven bound.

In:     Problem
Out:    solve_dual, DualResult
Not:    the written-out linear program (planning.exact)
Words:  block = up to 16 commodities that the kernels treat together
Source: docs/solver.md. Importing this compiles nothing; the first solve does (cached afterwards).
"""

from clearway.planning.dual.ascent import solve_dual
from clearway.planning.dual.outcome import DualResult

__all__ = ["DualResult", "solve_dual"]

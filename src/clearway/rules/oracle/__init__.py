"""The same declarations, interpreted one record at a time: slow, plain, and a second opinion on the compiled engine.

In:     a lake, packs, a window
Out:    findings as plain rows
Not:    speed; anything of the compiled engine: names, joins, sums and states are said again here

Only the declarations, the periods and the working-day calendar's rows are shared.
"""

from __future__ import annotations

from collections.abc import Iterable

from clearway.records import Lake
from clearway.rules.declared import Packs, Rule
from clearway.rules.figures import Window
from clearway.rules.oracle.judge import Judge
from clearway.rules.oracle.small import Row

__all__ = ["interpret"]


def interpret(lake: Lake, packs: Packs, window: Window, rules: Iterable[Rule], origin: str | None = None) -> list[Row]:
    """Findings of some rules: rows with rule, unit, period, state and figures."""
    oracle = Judge(lake, packs, window, origin)
    return [finding for rule in rules for finding in oracle.judge(rule)]

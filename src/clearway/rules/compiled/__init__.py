"""Measures compiled to DuckDB through Ibis: one pass over each record type.

In:     a lake, packs, a window
Out:    Compiled: values and clocks of measures, units in the scope of rules
Not:    states (clearway.rules.judging); the plain second opinion (clearway.rules.oracle)
"""

"""What must hold: measures and dated rules as data, and findings that can be traced.

In:     a lake of records, packs
Out:    check: Findings by rule, unit and period; packs read, explained, listed
Not:    keeping records (records), orders to people, penalties: a finding is a figure beside a rule
Words:  measure, edition, rule, limit, finding, coverage, advisory: docs/glossary.md
Source: docs/rules.md; the packs cite theirs
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clearway.rules.asking import Asked, burden
    from clearway.rules.cases import Rows, Stage, build
    from clearway.rules.declared import Edition, Packs, Rule, RuleCase
    from clearway.rules.evaluating import check
    from clearway.rules.explaining import explain, overdue
    from clearway.rules.findings import Findings
    from clearway.rules.oracle import interpret
    from clearway.rules.periods import Period, period_of
    from clearway.rules.reading import BUILT_IN, all_rules, load_packs
    from clearway.rules.testing import client_code, try_cases
    from clearway.rules.tracing import trace

_HOME = {
    "Asked": "asking",
    "BUILT_IN": "reading",
    "Edition": "declared",
    "Findings": "findings",
    "Packs": "declared",
    "Period": "periods",
    "Rows": "cases",
    "Rule": "declared",
    "RuleCase": "declared",
    "Stage": "cases",
    "all_rules": "reading",
    "build": "cases",
    "burden": "asking",
    "check": "evaluating",
    "client_code": "testing",
    "explain": "explaining",
    "interpret": "oracle",
    "load_packs": "reading",
    "overdue": "explaining",
    "period_of": "periods",
    "trace": "tracing",
    "try_cases": "testing",
}

__all__ = [
    "BUILT_IN",
    "Asked",
    "Edition",
    "Findings",
    "Packs",
    "Period",
    "Rows",
    "Rule",
    "RuleCase",
    "Stage",
    "all_rules",
    "build",
    "burden",
    "check",
    "client_code",
    "explain",
    "interpret",
    "load_packs",
    "overdue",
    "period_of",
    "trace",
    "try_cases",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"clearway.rules.{_HOME[name]}"), name)
    raise AttributeError(f"module 'clearway.rules' has no attribute {name!r}")

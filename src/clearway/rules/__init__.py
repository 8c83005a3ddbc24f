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
    from clearway.rules.cases import Stage, build
    from clearway.rules.declared import Packs, Rule
    from clearway.rules.evaluating import check
    from clearway.rules.findings import Findings
    from clearway.rules.oracle import interpret
    from clearway.rules.reading import BUILT_IN, load_packs

_HOME = {
    "BUILT_IN": "reading",
    "Findings": "findings",
    "Packs": "declared",
    "Rule": "declared",
    "Stage": "cases",
    "build": "cases",
    "check": "evaluating",
    "interpret": "oracle",
    "load_packs": "reading",
}

__all__ = ["BUILT_IN", "Findings", "Packs", "Rule", "Stage", "build", "check", "interpret", "load_packs"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"clearway.rules.{_HOME[name]}"), name)
    raise AttributeError(f"module 'clearway.rules' has no attribute {name!r}")

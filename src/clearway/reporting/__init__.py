"""Pages about plans, runs, notices, records, findings: one self-contained HTML file each, offline, in zh and en.

In:     Plans, Outcomes, Notices, Completeness, Findings
Out:    HTML text, workbooks
Not:    deciding anything; serving
Words:  load = parcels handled as a share of capacity; worth = what more capacity would save
Loaded when first used: a page about a notice needs nothing of the planner.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clearway.reporting.comparison import render_comparison
    from clearway.reporting.completeness import render_completeness
    from clearway.reporting.findings import render_findings
    from clearway.reporting.page import render_report
    from clearway.reporting.review import render_review
    from clearway.reporting.sheets import Sheets
    from clearway.reporting.templates import AssetsMissingError

_HOME = {
    "AssetsMissingError": "templates",
    "Sheets": "sheets",
    "render_comparison": "comparison",
    "render_completeness": "completeness",
    "render_findings": "findings",
    "render_report": "page",
    "render_review": "review",
}

__all__ = [
    "AssetsMissingError",
    "Sheets",
    "render_comparison",
    "render_completeness",
    "render_findings",
    "render_report",
    "render_review",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"clearway.reporting.{_HOME[name]}"), name)
    raise AttributeError(f"module 'clearway.reporting' has no attribute {name!r}")

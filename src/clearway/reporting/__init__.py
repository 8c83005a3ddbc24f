"""Pages about plans and runs: one self-contained HTML file that opens offline, in Chinese and English.

In:     Plans, Outcomes
Out:    HTML text, workbooks
Not:    deciding anything; serving
Words:  load = parcels handled as a share of capacity; worth = what more capacity would save
"""

from clearway.reporting.comparison import render_comparison
from clearway.reporting.page import AssetsMissingError, render_report
from clearway.reporting.sheets import Sheets

__all__ = ["AssetsMissingError", "Sheets", "render_comparison", "render_report"]

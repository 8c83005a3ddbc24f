"""Pages about plans: one self-contained HTML file that opens offline, in Chinese and English.

In:     Plan, and others to put beside it
Out:    HTML text
Not:    deciding anything; serving
Words:  load = parcels handled as a share of capacity; worth = what more capacity would save
"""

from clearway.reporting.page import AssetsMissingError, render_report

__all__ = ["AssetsMissingError", "render_report"]

"""What happened, kept: records from every source in a lake that loses nothing and knows nobody.

In:     EPCIS 2.0 documents, returns and registers as CSV, Parquet or .xlsx
Out:    Lake: records by type and day, who reported and who was silent
Not:    what must hold (rules), what will be done (planning)
Words:  record, event, return, register, batch, lake: docs/glossary.md
Source: EPCIS 2.0 / CBV 2.0 (GS1), S10 (UPU); the record types are in record-types.csv
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clearway.records.completeness import Completeness, expectations
    from clearway.records.declared import Field, RecordType, record_types
    from clearway.records.door import Lake
    from clearway.records.identifiers import code_stood, normalise_s10
    from clearway.records.ingest import Report
    from clearway.records.lake.store import empty_frame
    from clearway.records.plain import frame_of
    from clearway.records.registers import as_of_join, in_force, lies_in, places_above, register_faults
    from clearway.records.template import write_template
    from clearway.records.values import parse_day

_HOME = {
    "Completeness": "completeness",
    "Field": "declared",
    "Lake": "door",
    "RecordType": "declared",
    "Report": "ingest",
    "as_of_join": "registers",
    "code_stood": "identifiers",
    "empty_frame": "lake.store",
    "expectations": "completeness",
    "frame_of": "plain",
    "in_force": "registers",
    "lies_in": "registers",
    "normalise_s10": "identifiers",
    "parse_day": "values",
    "places_above": "registers",
    "record_types": "declared",
    "register_faults": "registers",
    "write_template": "template",
}

__all__ = [
    "Completeness",
    "Field",
    "Lake",
    "RecordType",
    "Report",
    "as_of_join",
    "code_stood",
    "empty_frame",
    "expectations",
    "frame_of",
    "in_force",
    "lies_in",
    "normalise_s10",
    "parse_day",
    "places_above",
    "record_types",
    "register_faults",
    "write_template",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"clearway.records.{_HOME[name]}"), name)
    raise AttributeError(f"module 'clearway.records' has no attribute {name!r}")

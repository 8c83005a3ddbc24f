"""Whether a file of a pack is shaped as pack.schema.json says; what is wrong in our words.

In:     a document with its lines
Out:    faults with file and line
Not:    what the values mean (reading.py)
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from clearway.core.errors import Faults
from clearway.core.schema import nearest
from clearway.rules.yaml_lines import Document
from clearway.rules.yaml_lines import Path as Steps


@cache
def _validator(part: str) -> Any:
    from jsonschema import Draft202012Validator

    schema = json.loads(files("clearway.rules").joinpath("pack.schema.json").read_text(encoding="utf-8"))
    return Draft202012Validator({"$ref": f"#/$defs/{part}", "$defs": schema["$defs"]})


def is_shaped(document: Document, part: str, faults: Faults) -> bool:
    """Whether the values are shaped as the schema says."""
    before = len(faults.faults)
    for error in _validator(part).iter_errors(document.value):
        _explain(document, error, faults)
    return len(faults.faults) == before


def _explain(document: Document, error: Any, faults: Faults) -> None:
    """A fault of the schema in our words; of several shapes the one that fits best is meant."""
    while error.context:
        error = max(error.context, key=lambda e: (len(e.absolute_path), e.validator != "type"))
    path: Steps = tuple(error.absolute_path)
    where = ".".join(str(p) for p in path) or None
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = [*error.schema.get("properties", {}), *error.schema.get("patternProperties", {})]
        for key in error.instance:
            if key not in error.schema.get("properties", {}):
                near = nearest(key, known) if known else ""
                faults.add("pack_key", document.name, document.line((*path, key)), where, key, nearest=near)
        return
    if error.validator == "required":
        missing = [k for k in error.validator_value if k not in error.instance]
        code = "pack_cite" if missing == ["cite"] else "pack_missing"
        faults.add(code, document.name, document.line(path), where, None, keys=", ".join(missing))
        return
    if error.validator == "enum":
        choices = [str(v) for v in error.validator_value]
        near = nearest(str(error.instance), choices)
        faults.add(
            "not_choice", document.name, document.line(path), where, error.instance,
            choices=", ".join(choices), nearest=near,
        )  # fmt: skip
        return
    faults.add("pack_shape", document.name, document.line(path), where, None, reason=error.message[:200])

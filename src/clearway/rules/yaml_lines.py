"""YAML read with the line of every value, so that a fault can say where it is.

In:     text of a YAML file
Out:    plain values; the line of each path
Not:    what the values mean (reading.py)

Dates stay text, and only ``true`` and ``false`` are yes/no: ``yes`` and ``no`` are words of record types.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from clearway.core.errors import Faults

Path = tuple[str | int, ...]
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BASE):  # type: ignore[misc]
    """The safe loader without YAML 1.1's dates and its yes, no, on, off."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if not tag.endswith((":timestamp", ":bool", ":int", ":float"))]
    for first, pairs in _BASE.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)\.[0-9]+$"), list("-+0123456789")
)


@dataclass
class Document:
    """The values of a file and the line each one stands in."""

    name: str
    value: Any
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """The line of a value, or of the nearest one around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(text: str, name: str, faults: Faults) -> Document | None:
    """Values and lines; ``None`` where it is no YAML. Keys that stand twice are faults."""
    document = Document(name, None)
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        document.value = _value(node, loader, document, (), faults) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        faults.add("not_yaml", name, None if mark is None else mark.line + 1, None, None, reason=error.problem or "")
        return None
    except yaml.YAMLError as error:
        faults.add("not_yaml", name, None, None, None, reason=str(error).splitlines()[0])
        return None
    finally:
        loader.dispose()
    return document


def _value(node: yaml.Node, loader: Any, document: Document, path: Path, faults: Faults) -> Any:
    document.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key_node, child in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in found:
                faults.add("key_twice", document.name, line, None, key)
            document.lines[(*path, key)] = line
            found[key] = _value(child, loader, document, (*path, key), faults)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, loader, document, (*path, i), faults) for i, child in enumerate(node.value)]
    return loader.construct_object(node)

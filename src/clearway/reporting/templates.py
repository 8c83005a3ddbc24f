"""Templates of pages, and what stands inside them: style, scripts, data.

In:     names of files in assets/
Out:    templates that escape what is put into them, texts of assets
Not:    any page (page.py, comparison.py, sheets.py, review.py)
"""

from __future__ import annotations

import json
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from jinja2 import Environment, PackageLoader, Template
from markupsafe import Markup

from clearway.core.errors import ClearwayError


class AssetsMissingError(ClearwayError):
    """The chart library is not in the package: run ``make assets`` (needs node and npm once)."""


def asset(name: str) -> str:
    """The text of a file in assets/; raises AssetsMissingError."""
    path: Traversable = files("clearway.reporting").joinpath("assets", *name.split("/"))
    if not path.is_file():
        raise AssetsMissingError(f"{name} is not there; run `make assets` once (it needs node and npm).")
    return path.read_text(encoding="utf-8")


def embedded(value: Any) -> Markup:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def template_of(name: str) -> Template:
    """A page's template; what is put into it is escaped."""
    environment = Environment(
        loader=PackageLoader("clearway.reporting", "assets"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)

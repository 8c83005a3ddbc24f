"""Places of China by name and code: provinces, prefectures, counties.

In:     core/places.csv (GB/T 2260 codes of 2023-06-30; written by scripts/names.py from the facts)
Out:    Place, find_place by code, short names
Not:    places of a case (cases), where they lie (facts of the built-in case)
Words:  short name = the name as people say it: 广东 for 广东省, 河源 for 河源市
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

_PEOPLES = (
    "满族|蒙古族|蒙古|回族|藏族|维吾尔|苗族|彝族|壮族|布依族|朝鲜族|侗族|瑶族|白族"
    "|土家族|哈尼族|哈萨克|傣族|黎族|傈僳族|羌族|柯尔克孜"
)
_SUFFIX = re.compile(rf"(?:特别行政区|(?:(?:{_PEOPLES})+)?自治[区州]|省|市|地区|盟)$")


@dataclass(frozen=True)
class Place:
    """One administrative place; ``level`` is province, prefecture or county, ``parent`` the code above it."""

    code: str
    name: str
    level: str
    parent: str

    @property
    def short(self) -> str:
        """The name as people say it; counties keep theirs, which are often one character without 县."""
        if self.level == "county":
            return self.name
        short = _SUFFIX.sub("", self.name)
        return short if len(short) > 1 else self.name.removesuffix("自治区")  # 内蒙古


def places_file() -> Path:
    """Where the table lies."""
    return Path(str(files("clearway.core").joinpath("places.csv")))


@cache
def all_places() -> tuple[Place, ...]:
    """Every place of the table, ordered by code."""
    with places_file().open(encoding="utf-8", newline="") as handle:
        return tuple(Place(r["code"], r["name"], r["level"], r["parent"]) for r in csv.DictReader(handle))


@cache
def place_names() -> dict[str, Place]:
    """Full and short names of provinces and prefectures, and full names of counties that only one county has."""
    names: dict[str, Place] = {}
    twice: set[str] = set()
    for place in sorted(all_places(), key=lambda p: ("province", "prefecture", "county").index(p.level)):
        for name in {place.name, place.short}:
            if name in names:
                if place.level == "county" and names[name].level == "county":
                    twice.add(name)
            else:
                names[name] = place
    return {name: place for name, place in names.items() if name not in twice and len(name) > 1}

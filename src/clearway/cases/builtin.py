"""Find the built-in cases and the facts they were made from, inside the package.

In:     a name such as china-2022/peak, peak or tiny
Out:    the folder of its tables, and the folder beneath it that holds the shared ones
Not:    making them (scripts/build_china.py)
Words:  facts = the tables copied with status and source; variant = one built-in case
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

COUNTRY = "china-2022"
VARIANTS = ("calm", "peak-open", "peak", "typhoon", "east", "east-12", "tiny")
_NATIONAL = ("calm", "peak-open", "peak", "typhoon")
_PEAK_DEMAND = ("peak", "typhoon")


def data_folder() -> Path:
    """Folder of the built-in data."""
    return Path(str(files("clearway.cases").joinpath("data")))


def facts_folder() -> Path:
    """Folder of the facts: places, volumes, hubs, closures, typhoon tracks, outlines."""
    return data_folder() / "facts"


def builtin_cases() -> list[str]:
    """Full names of the built-in cases."""
    return [f"{COUNTRY}/{variant}" for variant in VARIANTS]


def builtin_name(source: str | Path) -> str | None:
    """Full name of a built-in case, or ``None``; an existing folder of that name goes first."""
    text = str(source).strip("/")
    if not isinstance(source, str) or Path(text).exists():
        return None
    if text == COUNTRY:
        return f"{COUNTRY}/peak"
    full = text if text.startswith(f"{COUNTRY}/") else f"{COUNTRY}/{text}"
    return full if full in builtin_cases() else None


def builtin_layers(name: str) -> tuple[Path, list[Path]]:
    """The folder of a built-in case and the folders beneath it, nearest first."""
    variant = name.split("/")[1]
    layers = []
    if variant in _PEAK_DEMAND:
        layers.append(data_folder() / COUNTRY / "peak-open")
    if variant in _NATIONAL:
        layers.append(data_folder() / COUNTRY / "national")
    return data_folder() / COUNTRY / variant, layers


@cache
def reference_points() -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Codes and WGS84 seats of the built-in places."""
    frame = pl.read_csv(
        facts_folder() / "places.csv", columns=["code", "lon", "lat"], schema_overrides={"code": pl.String}
    ).drop_nulls()
    return frame["code"].to_list(), frame["lon"].to_numpy(), frame["lat"].to_numpy()

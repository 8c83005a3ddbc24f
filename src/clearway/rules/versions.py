"""Findings kept in the lake, version by version; and what is odd about a lake.

In:     findings of an evaluation, what was kept before
Out:    their versions; LAKE/findings/*.parquet
Not:    judging

    LAKE/findings/YYYYMMDDTHHMMSS-*.parquet     findings that were new or had changed at that time
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from clearway.core.files import staged_file
from clearway.rules.findings import CONTENT, NAMED

if TYPE_CHECKING:
    from clearway.records import Lake


def _kept(lake: Lake, frame: pl.DataFrame, by: datetime) -> pl.DataFrame | None:
    """The latest versions kept of findings of the same periods, as known at a time."""
    files = sorted((lake.folder / "findings").glob("*.parquet"))
    if not files or not len(frame):
        return None
    mine = pl.col("last").is_between(frame["last"].min(), frame["last"].max())
    columns = [*NAMED, *CONTENT, "version"]
    parts = [pl.scan_parquet(f).filter(mine & (pl.col("known") <= by)).select(columns) for f in files]
    return pl.concat(parts, how="vertical_relaxed").sort("version").unique(list(NAMED), keep="last").collect()


def versions(lake: Lake, frame: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Findings with their version as known at a time."""
    kept = _kept(lake, frame, now)
    if kept is None or not len(kept):
        return frame.with_columns(version=pl.lit(1, dtype=pl.Int64), changed=pl.lit(True))
    before = kept.select(*NAMED, "version", *(pl.col(c).alias(f"_{c}") for c in CONTENT))
    joined = frame.join(before, on=list(NAMED), how="left")
    same = pl.all_horizontal(pl.col(c).eq_missing(pl.col(f"_{c}")) for c in CONTENT)
    new = pl.col("version").is_null()
    version = pl.when(new).then(1).when(same).then(pl.col("version")).otherwise(pl.col("version") + 1)
    return joined.with_columns(version=version.cast(pl.Int64), changed=new | ~same).drop(f"_{c}" for c in CONTENT)


def keep(lake: Lake, versioned: pl.DataFrame, now: datetime) -> int:
    """Write findings that are new or have changed."""
    changed = versioned.filter("changed").drop("changed")
    if len(changed):
        folder = lake.folder / "findings"
        folder.mkdir(exist_ok=True)
        with staged_file(_free(folder, now)) as staging:
            changed.with_columns(known=pl.lit(now, dtype=pl.Datetime("us"))).write_parquet(staging)
    return len(changed)


def _free(folder: Path, now: datetime) -> Path:
    names = (folder / f"{now:%Y%m%dT%H%M%S}-{n:04d}.parquet" for n in range(10_000))
    return next(p for p in names if not p.exists())


def oddities(lake: Lake) -> list[dict[str, str]]:
    """Unknown types, gaps and overlaps of registers: what they are and what they mean for figures."""
    from clearway.records import register_faults

    found = []
    data = lake.folder / "data"
    for folder in sorted(data.iterdir()) if data.is_dir() else ():
        if folder.name not in lake.types:
            text = f"no record type {folder.name!r} is declared"
            found.append({"what": text, "means": "these records count for no figure"})
    faults = register_faults(lake)
    for fault in [*faults.faults, *faults.warnings]:
        means = (
            "of rows that overlap the one that began last decides"
            if fault in faults.faults
            else "in between the unit is in no scope, and nothing is expected of it"
        )
        found.append({"what": fault.text(), "means": means})
    return found

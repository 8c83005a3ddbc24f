"""Write src/clearway/core/places.csv, the names and codes of places, from the facts: python -m scripts.names."""

from __future__ import annotations

import polars as pl

from clearway.cases.builtin import facts_folder
from clearway.core.places import places_file

# GB/T 2260 codes of regions that the statistical file leaves out
FURTHER = [("710000", "台湾省"), ("810000", "香港特别行政区"), ("820000", "澳门特别行政区")]


def frame() -> pl.DataFrame:
    """Provinces, prefectures and counties with GB/T 2260 codes; statistical zones have none and are left out."""
    facts = pl.read_csv(facts_folder() / "places.csv", schema_overrides={"code": pl.String, "parent_code": pl.String})
    kept = facts.filter(pl.col("level") != "zone").select(
        "code", pl.col("name_zh").alias("name"), "level", pl.col("parent_code").alias("parent")
    )
    # municipalities are listed again as the only prefecture of themselves
    kept = kept.unique("code", keep="first", maintain_order=True)
    more = pl.DataFrame(
        [(code, name, "province", "100000") for code, name in FURTHER], schema=kept.schema, orient="row"
    )
    return pl.concat([kept, more]).sort("code")


if __name__ == "__main__":
    places_file().write_text(frame().write_csv(), encoding="utf-8")

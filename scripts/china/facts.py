"""Read the facts: prefectures, volumes known by the planning date, hubs, parameters.

In:     the facts folder
Out:    Country
Not:    assumptions of the model (assumptions.py)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clearway.cases import facts_folder
from clearway.core.geo import great_circle_km

KNOWN_BY = date(2022, 10, 31)
EAST = ("11", "12", "13", "21", "31", "32", "33", "35", "37", "44", "46")  # 东部地区 of the postal bulletins


def fact(name: str) -> pl.DataFrame:
    """One table of facts, codes as text."""
    texts = {c: pl.String for c in ("storm_id", "code", "parent_code", "province_code", "date_status", "note")}
    return pl.read_csv(facts_folder() / f"{name}.csv", schema_overrides=texts, infer_schema_length=None)


def parameters() -> dict[str, float]:
    """Values of parameters.csv by name."""
    return dict(fact("parameters").select("param", "value").iter_rows())


@dataclass(frozen=True)
class Country:
    """Prefectures in the order of their codes; volumes in parcels per mean day of 2022."""

    places: pl.DataFrame
    code: list[str]
    name: list[str]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    served: NDArray[np.float64]  # residents
    sent: NDArray[np.float64]  # parcels posted on the mean day
    same_city_share: float

    def at(self, code: str) -> int:
        return self.code.index(code)


def read_country() -> Country:
    """Prefectures with served population and estimated volumes."""
    places = fact("places")
    prefectures = places.filter(pl.col("level") == "prefecture").sort("code")
    code = prefectures["code"].to_list()
    lon, lat = prefectures["lon"].to_numpy(), prefectures["lat"].to_numpy()
    served = prefectures["population_2020"].to_numpy().astype(float)
    province = np.array([c[:2] for c in code])
    direct = places.filter(
        (pl.col("level") == "county")
        & (pl.col("parent_code") == pl.col("province_code"))
        & pl.col("code").str.slice(2, 2).eq("90")
    )
    for row in direct.iter_rows(named=True):
        mine = np.flatnonzero(province == row["code"][:2])
        nearest = mine[np.argmin(great_circle_km(row["lon"], row["lat"], lon[mine], lat[mine]))]
        served[nearest] += row["population_2020"] or 0
    sent, same_city = _volumes(code, served, province)
    return Country(places, code, prefectures["name_zh"].to_list(), lon, lat, served, sent, same_city)


def _known() -> pl.DataFrame:
    volumes = fact("express_volume").with_columns(pl.col("period_end").str.to_date())
    return volumes.filter(pl.col("period_end") <= KNOWN_BY)


def _volumes(
    code: list[str], served: NDArray[np.float64], province: NDArray[np.str_]
) -> tuple[NDArray[np.float64], float]:
    known = _known()
    months = known.filter(
        (pl.col("geo_level") == "national")
        & (pl.col("metric") == "volume")
        & pl.col("period").str.contains(r"^2022-\d\d$")
    )
    assert len(months) == 10, "ten months of 2022 were published by the planning date"
    mean_day = months["value"].sum() * 1e8 / 304
    in_2021 = known.filter(
        (pl.col("geo_level") == "province") & (pl.col("period") == "2021") & (pl.col("metric") == "volume")
    )
    total = {row["code"][:2]: row["value"] for row in in_2021.to_dicts()}
    ranked = _ranked_cities(known, total)
    floor = min(ranked.values())
    volume = np.zeros(len(code))
    for key, value in total.items():
        mine = np.flatnonzero(province == key)
        fixed = np.array([ranked.get(code[i], np.nan) for i in mine])
        if len(mine) == 1:
            volume[mine] = value
            continue
        rest = value - np.nansum(fixed)
        free = mine[np.isnan(fixed)]
        volume[mine[~np.isnan(fixed)]] = fixed[~np.isnan(fixed)]
        volume[free] = _capped(served[free], rest, floor)
    share = known.filter((pl.col("code") == "100000") & (pl.col("metric") == "share_same_city"))["value"][-1]
    return volume / volume.sum() * mean_day, share / 100


def _ranked_cities(known: pl.DataFrame, total: dict[str, float]) -> dict[str, float]:
    """Volumes of the fifteen largest cities of 2021: ranks are published, sizes lie on a line in
    log rank through the three whose size is known (Jinhua between 2020 and twice the first half
    of 2022; Shanghai and Beijing as provinces), going on at the last slope."""
    ranks = known.filter(pl.col("metric") == "rank_only").select("code", "rank")
    jinhua = known.filter((pl.col("code") == "330700") & (pl.col("metric") == "volume"))
    year_2020 = jinhua.filter(pl.col("period") == "2020")["value"][0]
    half_2022 = jinhua.filter(pl.col("period") == "2022-01..06")["value"][0]
    anchors = {1: float(np.sqrt(year_2020 * 2 * half_2022)), 4: total["31"], 9: total["11"]}
    x, y = np.log(list(anchors)), np.log(list(anchors.values()))
    slope = (y[-1] - y[-2]) / (x[-1] - x[-2])
    result = {}
    for code, rank in ranks.iter_rows():
        at = np.log(float(rank))
        log_volume = np.interp(at, x, y) if at <= x[-1] else y[-1] + slope * (at - x[-1])
        result[code] = float(np.exp(log_volume))
    return result


def _capped(weight: NDArray[np.float64], total: float, cap: float) -> NDArray[np.float64]:
    """Share a total by weight, none above the cap (no unranked city outgrows the ranked ones)."""
    result = np.zeros(len(weight))
    open_ = np.ones(len(weight), bool)
    while open_.any():
        share = weight * open_ / (weight * open_).sum() * (total - result.sum())
        over = open_ & (share > cap)
        if not over.any():
            return result + share
        result[over] = cap
        open_ &= ~over
    return result * total / result.sum()

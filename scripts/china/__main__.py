"""Write src/clearway/cases/data/china-2022: python -m scripts.china [FOLDER]."""

from __future__ import annotations

import shutil
import sys
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import tomli_w

from clearway.cases.builtin import COUNTRY, data_folder
from clearway.core.tables import csv_text
from scripts.china import assumptions as a
from scripts.china import variants as v
from scripts.china.facts import EAST, Country, parameters, read_country
from scripts.china.network import Layout, add_sites, build_layout
from scripts.china.tiny import tiny
from scripts.china.volumes import mean_day


def write(
    folder: Path, document: dict[str, Any] | None = None, areas: str | None = None, **tables: pl.DataFrame
) -> None:
    """CSV for what people read, Parquet for demand and stock."""
    folder.mkdir(parents=True, exist_ok=True)
    if document is not None:
        (folder / "case.toml").write_text(tomli_w.dumps(document), encoding="utf-8")
    if areas is not None:
        (folder / "areas.geojson").write_text(areas, encoding="utf-8")
    for name, frame in tables.items():
        if len(frame) > 20_000:
            frame.write_parquet(
                folder / f"{name}.parquet", compression="zstd", compression_level=19, row_group_size=4_000_000
            )
        else:
            (folder / f"{name}.csv").write_text(csv_text(frame), encoding="utf-8")


def build_part(country: Country, cities: list[str], slot_hours: int, *, sites: int) -> tuple[Layout, Any, Any]:
    """Network with capacities of the undisturbed mean day among some cities."""
    layout = build_layout(country, cities)
    volume = mean_day(country, cities)
    if sites:
        add_sites(layout, country, cities, v.busiest(layout, country, cities, volume, sites), parameters())
    net = v.routing(layout, cities, slot_hours)
    v.set_capacities(layout, cities, net, volume)
    return layout, volume, net


def national(root: Path, country: Country) -> None:
    cities = country.code
    layout, volume, net = build_part(country, cities, a.SLOT_HOURS, sites=a.CANDIDATE_SITES)
    write(
        root / "national",
        places=v.place_frame(country),
        facilities=v.facility_frame(layout),
        lanes=v.lane_frame(layout),
    )
    closures = v.closure_frame(country, cities, v.PEAK, date(2022, 11, 19))
    storm, areas = v.typhoon(layout)
    peak = "peak of November 2022"
    variants: list[tuple[str, str, str, date, str | None, dict[str, pl.DataFrame]]] = [
        (
            "calm",
            "an ordinary week of October 2022",
            "10 月平常一周",
            v.CALM,
            None,
            {
                "demand": v.demand_frame(cities, volume, v.CALM, a.CALM_DAYS),
                "stock": v.stock_frame(layout, cities, net, volume, v.CALM, a.BEFORE_CALM, a.SLOT_HOURS),
            },
        ),
        (
            "peak-open",
            f"{peak}, nothing closed",
            "11 月旺季，无封控",
            v.PEAK,
            None,
            {
                "demand": v.demand_frame(cities, volume, v.PEAK, a.PEAK_DAYS),
                "stock": v.stock_frame(layout, cities, net, volume, v.PEAK, a.BEFORE_PEAK, a.SLOT_HOURS),
            },
        ),
        (
            "peak",
            f"{peak} with the closures as they happened",
            "11 月旺季，按实际封控",
            v.PEAK,
            None,
            {"disruptions": closures},
        ),
        (
            "typhoon",
            f"{peak}, closures and a hypothetical typhoon (In-fa of 2021, moved)",
            "11 月旺季，封控并假想台风（2021 年“烟花”路径移时）",
            v.PEAK,
            v.dumps(areas),
            {"disruptions": pl.concat([closures, storm], how="diagonal")},
        ),
    ]
    for name, en, zh, start, polygons, tables in variants:
        document = v.settings(f"{COUNTRY}/{name}", f"China, {en}", f"全国，2022 年 {zh}", start, 10, a.SLOT_HOURS)
        write(root / name, document, polygons, **tables)


def part(
    root: Path,
    country: Country,
    name: str,
    cities: list[str],
    days: int,
    demand_days: int,
    slot_hours: int,
    en: str,
    zh: str,
) -> None:
    layout, volume, net = build_part(country, cities, slot_hours, sites=3 if len(cities) > 20 else 0)
    last = date(v.PEAK.year, v.PEAK.month, v.PEAK.day + days - 1)
    write(
        root / name,
        v.settings(f"{COUNTRY}/{name}", en, zh, v.PEAK, days, slot_hours),
        places=v.place_frame(country, set(cities)),
        facilities=v.facility_frame(layout),
        lanes=v.lane_frame(layout),
        demand=v.demand_frame(cities, volume, v.PEAK, a.PEAK_DAYS[:demand_days]),
        stock=v.stock_frame(layout, cities, net, volume, v.PEAK, a.BEFORE_PEAK, slot_hours),
        disruptions=v.closure_frame(country, cities, v.PEAK, last),
    )


def main(root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    country = read_country()
    national(root, country)
    volume = mean_day(country, country.code)
    both = volume.sum(axis=0) + volume.sum(axis=1)
    order = sorted((c for c in country.code if c[:2] in EAST), key=lambda c: -both[country.at(c)])
    part(
        root,
        country,
        "east",
        sorted(order[: a.EAST_CITIES]),
        10,
        7,
        a.SLOT_HOURS,
        "Forty cities of eastern China, peak of November 2022",
        "东部四十城，2022 年 11 月旺季",
    )
    part(
        root,
        country,
        "east-12",
        sorted(order[: a.EXACT_CITIES]),
        4,
        3,
        4,
        "The twelve busiest cities of eastern China, four days of the peak",
        "东部最繁忙十二城，旺季四天",
    )
    document, tables = tiny()
    write(root / "tiny", document, **tables)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else data_folder() / COUNTRY)

"""The Case: settings, network, demand, stock and disruptions together. A value; nothing edits it.

In:     checked tables (read.py)
Out:    Case, and other cases derived from it
Not:    reading and writing (read.py, write.py), solving (planning)
Words:  known_at = the time a plan is made for; it sees the disruptions known by then
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from shapely.geometry.base import BaseGeometry

from clearway.cases.settings import Settings
from clearway.cases.sources import SCHEMAS
from clearway.cases.write import areas_text, tables_of, write_folder, write_workbook
from clearway.core.errors import Fault, Faults
from clearway.core.raw import frame_table
from clearway.core.tables import read_table
from clearway.core.timegrid import TimeGrid, format_time, parse_time
from clearway.demand import Offered, build_offered, check_demand, check_stock
from clearway.disruption import Disrupted, Targets, apply_disruptions, check_disruptions, disruptions_from_text
from clearway.network import ORDERED, Network, Offer, build_offer, descendants


def _column_bytes(column: pl.Series) -> bytes:
    """A column as bytes that depend on its values alone, absent ones told from all others."""
    dtype = column.dtype
    if isinstance(dtype, pl.Enum):
        codes = column.to_physical().cast(pl.UInt32).fill_null(2**32 - 1)
        return "\x1f".join(dtype.categories).encode() + codes.to_numpy().astype("<u4").tobytes()
    if dtype == pl.String:
        return "\x1f".join(column.fill_null("\x00")).encode()
    if dtype == pl.Boolean:
        return column.cast(pl.UInt8).fill_null(2).to_numpy().tobytes()
    if dtype.is_float():
        return column.fill_null(float("nan")).to_numpy().astype("<f8").tobytes()
    return column.to_physical().cast(pl.Int64).fill_null(-(2**63)).to_numpy().astype("<i8").tobytes()


Rows = pl.DataFrame | Sequence[Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Case:
    """One planning case. Frames have the columns of the case format, absent values null."""

    settings: Settings
    places: pl.DataFrame
    facilities: pl.DataFrame
    lanes: pl.DataFrame
    demand: pl.DataFrame
    stock: pl.DataFrame
    history: pl.DataFrame
    disruptions: pl.DataFrame
    areas: Mapping[str, BaseGeometry] = field(default_factory=dict)
    source: str = ""
    warnings: tuple[Fault, ...] = ()
    ordered: pl.DataFrame = field(default_factory=ORDERED.to_frame)  # extra capacity of an earlier plan

    # -------------------------------------------------------------- in and out

    @staticmethod
    def read(source: str | Path) -> Case:
        """Read a folder, an .xlsx or a built-in case; raises InputError with every fault."""
        from clearway.cases.read import read_case

        return read_case(source)

    def write(self, target: str | Path, *, parquet: bool = False) -> Path:
        """Write a folder (CSV, or Parquet), or an .xlsx where ``target`` ends so; returns the path."""
        path = Path(target)
        if path.suffix.lower() == ".xlsx":
            write_workbook(self, path)
        else:
            write_folder(self, path, parquet=parquet)
        return path

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything the case says, independent of how it is stored."""
        state = hashlib.sha256(json.dumps(self.settings.to_dict(), sort_keys=True).encode())
        for table, frame in tables_of(self).items():
            state.update(f"\n{table}\n".encode())
            for column in frame.iter_columns():
                state.update(column.name.encode())
                state.update(_column_bytes(column))
        if self.areas:
            state.update(areas_text(self).encode())
        if len(self.ordered):
            state.update(self.ordered.write_csv().encode())
        return state.hexdigest()

    # -------------------------------------------------------------- parts as arrays

    @property
    def grid(self) -> TimeGrid:
        """The horizon in slots."""
        return self.settings.grid

    @property
    def network(self) -> Network:
        """Places, facilities and lanes."""
        return Network(self.places, self.facilities, self.lanes)

    def offer(self) -> Offer:
        """What the network offers by slot, before disruptions."""
        return build_offer(self.network, self.grid, self.settings.costs, self.settings.class_names, self.ordered)

    def targets(self, offer: Offer) -> Targets:
        """Resolver of disruption targets for the facilities and lanes of an offer."""
        return Targets(
            self.network, offer.facilities, offer.lanes, self.areas, gcj02=self.settings.coordinates == "GCJ-02"
        )

    def disrupted(self) -> Disrupted:
        """What the network offers by slot after the case's disruptions."""
        offer = self.offer()
        return apply_disruptions(offer, self.disruptions, self.targets(offer))

    def offered(self, facilities: Sequence[str]) -> Offered:
        """Demand by slot and stock, for facilities in the given order."""
        return build_offered(
            self.demand,
            self.stock,
            facilities,
            self.settings.class_names,
            self.grid,
            self.settings.profile,
            hold=self.settings.hold_at_sender,
        )

    # -------------------------------------------------------------- other cases

    def with_disruption(self, *disruptions: str | pl.DataFrame | Mapping[str, Any]) -> Case:
        """This case with further disruptions: one-line texts, mappings or frames.

        >>> Case.read("tiny").with_disruption("closed facility 330100 2022-11-10T08:00").disruptions.height
        2
        """
        faults = Faults()
        zone, schema = self.settings.zone, SCHEMAS["disruptions"]
        frames = [self.disruptions]
        for item in disruptions:
            taken = [name for frame in frames for name in frame["id"]]
            if isinstance(item, str):
                frames.append(disruptions_from_text([item], taken, zone, faults))
                continue
            frame = pl.DataFrame([item]) if isinstance(item, Mapping) else item
            frames.append(read_table(frame_table(frame, "disruption"), schema, faults, zone=zone, first_row=1))
        known = {
            "facility": self.facilities["id"].to_list(),
            "lane": self.lanes["id"].to_list(),
            "place": self.places["code"].to_list(),
            "area": list(self.areas),
        }
        for frame in frames[1:]:
            check_disruptions(frame, known, "disruption", faults, first_row=1)
        faults.require()
        return replace(self, disruptions=pl.concat(frames), warnings=self.warnings + tuple(faults.warnings))

    def without_disruptions(self) -> Case:
        """This case with nothing closed or slowed."""
        return replace(self, disruptions=self.disruptions.clear(), areas={})

    def without_effect(self) -> list[Fault]:
        """A warning where disruptions begin only after the horizon's end."""
        late = self.disruptions.filter(pl.col("start") >= self.grid.end)["id"].to_list()
        faults = Faults()
        if late:
            faults.warn("after_horizon", "disruptions", count=len(late), ids=", ".join(late[:5]))
        return faults.warnings

    def known_at(self, moment: datetime | None) -> Case:
        """This case with only the disruptions known at a time (``None``: all)."""
        if moment is None:
            return self
        seen = pl.col("known_from").is_null() | (pl.col("known_from") <= moment)
        return replace(self, disruptions=self.disruptions.filter(seen))

    def _read_more(self, table: str, rows: Rows, faults: Faults) -> pl.DataFrame:
        frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(list(rows), infer_schema_length=None)
        names = {"facilities": self.facilities["id"], "class": pl.Series(self.settings.class_names)}
        ids = {
            "origin": ("facilities", names["facilities"]),
            "facility": ("facilities", names["facilities"]),
            "destination": ("facilities", names["facilities"]),
            "class": ("class", names["class"]),
        }
        used = {k: v for k, v in ids.items() if k in SCHEMAS[table].names}
        return read_table(frame_table(frame, table), SCHEMAS[table], faults, zone=self.settings.zone, ids=used)

    @property
    def _absent(self) -> list[str]:
        return self.facilities.filter(pl.col("candidate").fill_null(False))["id"].to_list()

    def with_demand(self, demand: Rows) -> Case:
        """This case with another demand table (columns of demand.csv)."""
        faults = Faults()
        frame = self._read_more("demand", demand, faults)
        check_demand(frame, self.grid, self._absent, "demand", faults)
        faults.require()
        return replace(self, demand=frame)

    def restricted_to(self, places: Iterable[str]) -> Case:
        """The part of the case inside some places (codes, and all below them).

        Lanes and demand with an end outside are left out; capacities stay as they are.
        """
        codes = [places] if isinstance(places, str) else [str(code) for code in places]
        faults = Faults()
        for code in codes:
            if code not in set(self.places["code"]):
                faults.add("unknown_id", "places", None, "code", code, table="places", nearest="a code of places")
        faults.require()
        inside = descendants(self.places, codes)
        facilities = self.facilities.filter(pl.col("place").is_in(list(inside)))
        ids = facilities["id"].to_list()
        lanes = self.lanes.filter(pl.col("origin").is_in(ids) & pl.col("destination").is_in(ids))
        parents = dict(self.places.select("code", "parent").iter_rows())
        kept = set(inside)
        for code in codes:
            above = parents.get(code)
            while above is not None:
                kept.add(above)
                above = parents.get(above)
        enum = pl.Enum(ids)

        def within(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
            mask = pl.all_horizontal(pl.col(c).cast(pl.String).is_in(ids) for c in columns)
            return frame.filter(mask).with_columns(pl.col(c).cast(pl.String).cast(enum) for c in columns)

        reachable = {"facility": set(ids), "lane": set(lanes["id"]), "place": kept, "area": set(self.areas)}
        keep = [row["target"] in reachable[row["target_type"]] for row in self.disruptions.iter_rows(named=True)]
        return replace(
            self,
            places=self.places.filter(pl.col("code").is_in(list(kept))),
            facilities=facilities,
            lanes=lanes,
            demand=within(self.demand, "origin", "destination"),
            stock=within(self.stock, "facility", "destination"),
            history=self.history.filter(pl.col("place").cast(pl.String).is_in(list(kept))),
            disruptions=self.disruptions.filter(pl.Series(keep, dtype=pl.Boolean)),
        )

    def with_horizon(self, *, days: float | None = None, slot_hours: float | None = None) -> Case:
        """The same start with fewer days or other slots; demand of days that fall away is left out."""
        settings = self.settings.with_horizon(days=days, slot_hours=slot_hours)
        return self._trimmed(settings, self.stock)

    def starting(self, time: datetime | str, stock: Rows, *, ordered: pl.DataFrame | None = None) -> Case:
        """The rest of the horizon from a slot boundary, with the stock there is then.

        Demand of days before ``time`` is left out, and so are earlier hours of its day. ``ordered``: extra
        capacity that an earlier plan ordered (row, id, start, end, per_hour), there even within the lead time.
        """
        moment = parse_time(time, self.settings.zone) if isinstance(time, str) else time
        grid = self.grid
        slot = grid.slot_of(moment)
        faults = Faults()
        if not 0 <= slot < grid.slots or grid.time(slot) != moment:
            faults.add(
                "time_outside",
                "starting",
                None,
                "time",
                format_time(moment),
                start=format_time(grid.start),
                end=format_time(grid.end),
            )
            faults.require()
        days = (grid.slots - slot) * grid.slot_minutes / 1440
        settings = self.settings.with_horizon(start=moment, days=days)
        frame = self._read_more("stock", stock, faults)
        # what arrives after the end is no fault of a state, but it cannot be planned for either
        late = frame.filter(pl.col("arrives") >= settings.grid.end)["parcels"].sum()
        check_stock(
            frame.filter(pl.col("arrives").is_null() | (pl.col("arrives") < settings.grid.end)),
            settings.grid,
            self._absent,
            "stock",
            faults,
        )
        faults.require()
        if late > 0:
            faults.warn("arrives_late", "stock", parcels=f"{late:,.0f}")
        rest = self._trimmed(settings, frame)
        passed = (moment - grid.start).total_seconds() / 3600
        there = ~pl.col("candidate").fill_null(False)
        return replace(
            rest,
            facilities=self.facilities.with_columns(
                pl.when(there).then((pl.col("open_from_hours") - passed).clip(0)).otherwise(pl.col("open_from_hours"))
            ),
            ordered=self.ordered if ordered is None else ordered,
            warnings=self.warnings + tuple(faults.warnings),
        )

    def with_sites(self, sites: Iterable[str]) -> Case:
        """This case with some candidates opened, from their ``open_from_hours`` on."""
        chosen = list(sites)
        faults = Faults()
        for site in chosen:
            if site not in self._absent:
                faults.add("unknown_id", "sites", None, "id", site, table="facilities", nearest="a candidate")
        faults.require()
        opened = pl.col("id").is_in(chosen)
        return replace(
            self,
            facilities=self.facilities.with_columns(
                pl.when(opened).then(False).otherwise(pl.col("candidate")).alias("candidate")
            ),
        )

    @property
    def candidates(self) -> pl.DataFrame:
        """Facilities that are not there unless opened (columns of facilities.csv)."""
        return self.facilities.filter(pl.col("candidate").fill_null(False))

    def _trimmed(self, settings: Settings, stock: pl.DataFrame) -> Case:
        grid = settings.grid
        last = (grid.end - timedelta(microseconds=1)).date()
        inside = pl.col("arrives").is_null() | pl.col("arrives").is_between(grid.start, grid.end, closed="left")
        return replace(
            self,
            settings=settings,
            demand=self.demand.filter(pl.col("day").is_between(grid.start.date(), last)),
            stock=stock.filter(inside),
        )

    # -------------------------------------------------------------- what it holds

    def identity(self) -> dict[str, Any]:
        """What a result says of the case it is of."""
        return {
            "name": self.settings.name,
            "title": dict(self.settings.title),
            "source": self.source,
            "digest": self.digest,
            "start": format_time(self.grid.start),
            "slots": self.grid.slots,
            "slot_hours": self.grid.slot_hours,
            "currency": self.settings.currency,
        }

    def info(self) -> dict[str, Any]:
        """Counts and totals, for ``clearway info``."""
        grid = self.grid
        transit = self.stock.group_by(pl.col("stage")).agg(pl.col("parcels").sum()).sort("stage")
        by_class = self.demand.group_by(pl.col("class").cast(pl.String)).agg(pl.col("parcels").sum()).sort("class")
        by_day = self.demand.group_by("day").agg(pl.col("parcels").sum()).sort("day")
        return {
            "name": self.settings.name,
            "title": dict(self.settings.title),
            "source": self.source,
            "digest": self.digest,
            "start": format_time(grid.start),
            "end": format_time(grid.end),
            "timezone": self.settings.timezone,
            "currency": self.settings.currency,
            "hold_at_sender": self.settings.hold_at_sender,
            "places": len(self.places),
            "facilities": len(self.facilities),
            "candidates": len(self._absent),
            "lanes": len(self.lanes),
            "pairs": self.demand.filter(pl.col("parcels") > 0).select("origin", "destination").n_unique(),
            "classes": len(self.settings.classes),
            "class_names": self.settings.class_names,
            "slots": grid.slots,
            "slot_hours": grid.slot_hours,
            "demand_rows": len(self.demand),
            "parcels": round(float(self.demand["parcels"].sum()), 3),
            "parcels_by_class": {name: round(parcels, 3) for name, parcels in by_class.iter_rows()},
            "parcels_by_day": {str(day): round(parcels, 3) for day, parcels in by_day.iter_rows()},
            "stock": {stage: round(parcels, 3) for stage, parcels in transit.iter_rows()},
            "disruptions": len(self.disruptions),
            "warnings": [w.text() for w in self.warnings],
        }

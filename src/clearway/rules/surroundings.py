"""What registers say of units over time, as intervals that do not overlap: for joins by time.

In:     a lake's registers, the stretch of days looked at
Out:    frames: units and their attributes; season, zone, weather, working days, headcount by unit; agreements
Not:    the same for one record (oracle.py), which says it again without this
Words:  since is included, until is not

A row of a register holds from its first day to the day before the next row of the same subject, or to its last.
Places match through the places above them; the smallest place that says something decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any

import polars as pl

from clearway.core.places import all_places
from clearway.core.timegrid import midnight
from clearway.records import Lake, places_above

FAR = datetime(9999, 1, 1)
_LONG = timedelta(days=1)


class Surroundings:
    """Registers of a lake around the days ``first`` to ``last``."""

    def __init__(self, lake: Lake, first: date, last: date) -> None:
        self._lake, self.first, self.last = lake, first, last

    @cached_property
    def units(self) -> pl.DataFrame:
        """Units: id, since, until and their attributes, ordered by id and since."""
        rows = self._lake.read("unit").sort("id", "from")
        following = pl.col("from").shift(-1).over("id")
        ends = pl.min_horizontal(pl.col("to") + _LONG, following)
        chains = {p: places_above(p) for p in rows["place"].unique().to_list() if p is not None}
        districts = [p.code for p in all_places() if p.level == "county" and p.name.endswith("区")]
        city, province = ({p: _at_level(c, width) for p, c in chains.items()} for width in (4, 2))
        return rows.with_columns(
            since=pl.col("from").cast(pl.Datetime("us")),
            until=ends.cast(pl.Datetime("us")).fill_null(FAR),
            city=pl.col("place").replace_strict(city, default=None, return_dtype=pl.String),
            province=pl.col("place").replace_strict(province, default=None, return_dtype=pl.String),
            district=pl.when(pl.col("place").is_not_null()).then(pl.col("place").is_in(districts)),
        ).drop("from", "to").filter(pl.col("since") < pl.col("until"))  # fmt: skip

    @cached_property
    def places(self) -> pl.DataFrame:
        """Places: code, city, province."""
        rows = [(p.code, _at_level(c, 4), _at_level(c, 2)) for p in all_places() for c in [places_above(p.code)]]
        return pl.DataFrame(rows, schema={"code": pl.String, "city": pl.String, "province": pl.String}, orient="row")

    @cached_property
    def _holders(self) -> list[tuple[str, datetime, datetime, tuple[str, ...]]]:
        """Units and places with the chain of places above them."""
        units = [
            (i, s, u, (i, *(places_above(p) if p else ())))
            for i, s, u, p in self.units.select("id", "since", "until", "place").iter_rows()
        ]
        places = {p for _, _, _, chain in units for p in chain[1:]}
        return [*units, *((p, datetime(1900, 1, 1), FAR, places_above(p)) for p in sorted(places))]

    def season(self, name: str) -> pl.DataFrame:
        """Whether a season holds: key, since, until, the season's first and last day, value (true)."""
        rows: dict[str, list[tuple[date, date]]] = {}
        for place, start, end in (
            self._lake.read("season").filter(pl.col("name") == name).select("place", "from", "to").iter_rows()
        ):
            rows.setdefault(place, []).append((start, end))
        found = []
        for key, since, until, chain in self._holders:
            stretches = sorted(s for p in chain for s in rows.get(p, ()))
            at = since
            for first, last in stretches:
                start, end = max(midnight(first), at), min(midnight(last + _LONG), until)
                if start < end:
                    found.append((key, start, end, first, last, True))
                    at = end
        schema = {**_KEY, "first": pl.Date, "last": pl.Date, "value": pl.Boolean}
        return pl.DataFrame(found, schema=schema, orient="row")

    @cached_property
    def zone(self) -> pl.DataFrame:
        """Level around a unit: key, since, until, level."""
        rows: dict[str, list[tuple[datetime, datetime, str]]] = {}
        for target, start, end, level in self._lake.read("zone").select("target", "from", "to", "level").iter_rows():
            rows.setdefault(target, []).append((start, end or FAR, level))
        found = []
        for key, since, until, chain in self._holders:
            mine = [(n, *row) for n, p in enumerate(chain) for row in rows.get(p, ())]
            found += [(key, *piece) for piece in _pieces(mine, since, until)]
        return pl.DataFrame(found, schema={**_KEY, "level": pl.String}, orient="row")

    @cached_property
    def weather(self) -> pl.DataFrame:
        """Weather of each day: key, since, until, tmax_c (the highest of the day), signal (the last of the day)."""
        rows = (
            self._lake.read("weather", self.first, self.last)
            .with_columns(day=pl.col("time").dt.date())
            .filter(pl.col("day") >= self.first)
            .sort("place", "time")
            .group_by("place", "day", maintain_order=True)
            .agg(tmax_c=pl.col("tmax_c").max(), signal=pl.col("signal").drop_nulls().last())
        )
        said = {(p, d): (t, s) for p, d, t, s in rows.iter_rows()}
        return self._daily(said, {"tmax_c": pl.Float64, "signal": pl.String})

    @cached_property
    def calendar(self) -> pl.DataFrame:
        """Days that differ from Monday to Friday: key, since, until, workday."""
        said = {(p, d): (w,) for p, d, w in self._lake.read("calendar").select("place", "day", "workday").iter_rows()}
        return self._daily(said, {"workday": pl.Boolean}, lasting=True)

    def _daily(
        self, said: dict[tuple[str, date], tuple[Any, ...]], columns: dict[str, Any], *, lasting: bool = False
    ) -> pl.DataFrame:
        """What is said of days, by unit; ``lasting`` goes on after a unit has ended, for clocks that still run."""
        days: dict[str, list[date]] = {}
        for place, day in said:
            days.setdefault(place, []).append(day)
        found = []
        holders = self._holders
        for n, (key, since, until, chain) in enumerate(holders):
            if lasting:
                until = holders[n + 1][1] if n + 1 < len(holders) and holders[n + 1][0] == key else FAR
            told: set[date] = set()
            for place in chain:
                for day in days.get(place, ()):
                    if day not in told and since <= midnight(day) < until:
                        told.add(day)
                        found.append((key, midnight(day), midnight(day + _LONG), *said[place, day]))
        return pl.DataFrame(found, schema={**_KEY, **columns}, orient="row")

    @cached_property
    def agreement(self) -> pl.DataFrame:
        """Agreements: client, facility, since, until, filed."""
        rows = self._lake.read("agreement").sort("client", "facility", "from")
        return _cut(rows, ["client", "facility"], ["filed"])

    @cached_property
    def headcount(self) -> pl.DataFrame:
        """Persons of all posts of a unit: key, since, until, persons."""
        rows = _cut(self._lake.read("headcount").sort("facility", "post", "from"), ["facility", "post"], ["persons"])
        edges = pl.concat([rows.select("facility", at=c) for c in ("since", "until")]).unique().sort("facility", "at")
        spans = edges.with_columns(until=pl.col("at").shift(-1).over("facility")).drop_nulls().rename({"at": "since"})
        joined = spans.join(rows, on="facility", suffix="_row").filter(
            (pl.col("since_row") <= pl.col("since")) & (pl.col("until_row") >= pl.col("until"))
        )
        summed = joined.group_by("facility", "since", "until").agg(pl.col("persons").sum())
        return summed.rename({"facility": "key"}).select("key", "since", "until", "persons")


_KEY: dict[str, Any] = {"key": pl.String, "since": pl.Datetime("us"), "until": pl.Datetime("us")}


def _at_level(chain: Iterable[str], digits: int) -> str | None:
    """The city (4 digits) or province (2) of a chain of places; what stands above it has none."""
    for code in chain:
        if len(code) == 6 and code.isdigit() and code[digits:] == "0" * (6 - digits):
            return code if digits == 2 or code[2:4] != "00" else None
    return None


def _cut(rows: pl.DataFrame, subject: list[str], columns: list[str]) -> pl.DataFrame:
    """Rows of a dated register that end where the next of the same subject begins; ordered by subject and from."""
    ends = pl.min_horizontal(pl.col("to") + _LONG, pl.col("from").shift(-1).over(subject))
    return rows.select(
        *subject,
        pl.col("from").cast(pl.Datetime("us")).alias("since"),
        ends.cast(pl.Datetime("us")).fill_null(FAR).alias("until"),
        *columns,
    ).filter(pl.col("since") < pl.col("until"))


def _pieces(
    rows: list[tuple[int, datetime, datetime, str]], since: datetime, until: datetime
) -> list[tuple[datetime, datetime, str]]:
    """A stretch of time cut so that in each piece one row decides: the nearest place, of it the latest row."""
    edges = sorted({e for _, start, end, _ in rows for e in (start, end) if since < e < until} | {since, until})
    found = []
    for start, end in pairwise(edges):
        held = [(n, -first.timestamp() if first.year > 1900 else 0.0, level) for n, first, last, level in rows
                if first <= start < last]  # fmt: skip
        if held:
            found.append((start, end, min(held)[2]))
    return found

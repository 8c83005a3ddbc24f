"""Slots, opening hours and collection by slot, checked minute by minute."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clearway.core.geo import gcj02_to_wgs84, great_circle_km, wgs84_to_gcj02
from clearway.core.timegrid import TimeGrid, parse_clock

GRIDS = st.builds(
    lambda minutes, offset, slots: TimeGrid(
        datetime(2022, 11, 10) + timedelta(minutes=minutes * offset), slots, minutes
    ),
    st.sampled_from([15, 30, 60, 90, 120, 240, 480, 1440]),
    st.integers(0, 5),
    st.integers(1, 40),
)


@given(GRIDS, st.integers(0, 1440), st.integers(0, 1440))
def test_open_hours(grid: TimeGrid, opens: int, closes: int) -> None:
    """Open hours of a slot are its open minutes."""
    hours = grid.open_hours(opens, closes)
    for t in range(grid.slots):
        first = (grid.time(t) - datetime(2022, 11, 10)).total_seconds() // 60 % 1440
        minutes = np.arange(first, first + grid.slot_minutes)
        if opens == closes:
            inside = np.ones(len(minutes), bool)
        elif closes > opens:
            inside = (minutes >= opens) & (minutes < closes)
        else:
            inside = (minutes >= opens) | (minutes < closes)
        assert abs(hours[t] * 60 - inside.sum()) < 1e-9


@given(GRIDS, st.integers(-3000, 5000), st.integers(1, 3000))
def test_touched(grid: TimeGrid, begin: int, length: int) -> None:
    """A slot is touched where the overlap is longer than nothing."""
    start = grid.start + timedelta(minutes=begin)
    end = start + timedelta(minutes=length)
    expected = [min(end, grid.time(t + 1)) > max(start, grid.time(t)) for t in range(grid.slots)]
    assert grid.touched(start, end).tolist() == expected


@given(GRIDS)
def test_a_whole_day_is_shared_out(grid: TimeGrid) -> None:
    """The shares of a day that lies wholly in the horizon add up to 1."""
    profile = np.arange(1, 25) / 300
    day = grid.start.date() + timedelta(days=1)
    _, shares = grid.day_weights(day, profile)
    if grid.end >= datetime(day.year, day.month, day.day) + timedelta(days=1):
        assert abs(shares.sum() - 1) < 1e-12
    assert grid.day_weights(date(2020, 1, 1), profile)[1].sum() == 0


def test_clocks() -> None:
    """24:00 is allowed, full-width colons too."""
    assert (parse_clock("24:00"), parse_clock("06：30"), parse_clock("6:05")) == (1440, 390, 365)


def test_gcj02_goes_there_and_back() -> None:
    """The shift is some hundred metres and is undone below a centimetre."""
    x, y = wgs84_to_gcj02(113.25906, 23.13179)
    assert 0.3 < float(great_circle_km(113.25906, 23.13179, x, y)) < 0.8
    lon, lat = gcj02_to_wgs84(x, y)
    assert float(great_circle_km(113.25906, 23.13179, lon, lat)) < 1e-5

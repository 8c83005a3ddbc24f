"""The horizon cut into slots, and local times read from text.

In:     start, days, slot length, time zone
Out:    TimeGrid; parsed dates, times and times of day
Not:    calendars, working days
Words:  slot = one interval of the horizon, numbered from 0; clock = a time of day in minutes
Source: docs/planning.md section 1 (time)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

DAY_MINUTES = 1440
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::00)?")


def parse_time(text: str, zone: ZoneInfo) -> datetime:
    """A local time without offset, from ISO 8601; an offset in the text is converted.

    Raises ``ValueError`` where the text is no ISO time.
    """
    moment = datetime.fromisoformat(text.strip().replace("/", "-"))
    if moment.tzinfo is not None:
        moment = moment.astimezone(zone).replace(tzinfo=None)
    return moment


def parse_clock(text: str) -> int:
    """Minutes after midnight from ``HH:MM``; 24:00 gives 1440. Raises ``ValueError``."""
    match = _CLOCK.fullmatch(text.strip().replace("：", ":"))
    if not match:
        raise ValueError(text)
    minutes = int(match[1]) * 60 + int(match[2])
    if int(match[2]) > 59 or minutes > DAY_MINUTES:
        raise ValueError(text)
    return minutes


def midnight(day: date) -> datetime:
    """The moment a day begins."""
    return datetime.combine(day, time())


def format_time(moment: datetime) -> str:
    """ISO 8601 to the minute where there are no seconds."""
    return moment.isoformat(timespec="minutes" if moment.second == 0 else "seconds")


@dataclass(frozen=True)
class TimeGrid:
    """Slots ``0 … slots-1``; slot t covers [start + t·Δ, start + (t+1)·Δ) in local time."""

    start: datetime
    slots: int
    slot_minutes: int

    @property
    def slot_hours(self) -> float:
        """Δ  [hours]."""
        return self.slot_minutes / 60

    @property
    def end(self) -> datetime:
        """End of the last slot."""
        return self.time(self.slots)

    def time(self, slot: int) -> datetime:
        """Start of a slot."""
        return self.start + timedelta(minutes=self.slot_minutes * int(slot))

    def slot_of(self, moment: datetime) -> int:
        """The slot that holds a moment; below 0 or ≥ ``slots`` outside the horizon."""
        return (moment - self.start) // timedelta(minutes=self.slot_minutes)

    def touched(self, start: datetime, end: datetime | None) -> NDArray[np.bool_]:
        """Slots that overlap [start, end) by any positive time, shape (slots,); no end: to the end."""
        step = timedelta(minutes=self.slot_minutes)
        first = max(0, (start - self.start) // step)
        last = self.slots if end is None else min(self.slots, -((self.start - end) // step))
        mask = np.zeros(self.slots, bool)
        mask[first : max(first, last)] = True
        return mask

    def minute_of_day(self) -> NDArray[np.int64]:
        """Minutes after local midnight at which each slot begins, shape (slots,)."""
        first = self.start.hour * 60 + self.start.minute
        return (first + self.slot_minutes * np.arange(self.slots)) % DAY_MINUTES

    def open_hours(self, opens: int, closes: int) -> NDArray[np.float64]:
        """Open hours that fall in each slot, shape (slots,)  [hours].

        ``closes`` ≤ ``opens`` means the next day; equal means 24 hours.
        """
        begin = self.minute_of_day()
        end = begin + self.slot_minutes

        def overlap(a: int, b: int) -> NDArray[np.float64]:
            return np.asarray(np.clip(np.minimum(end, b) - np.maximum(begin, a), 0, None), float)

        if closes > opens:
            minutes = overlap(opens, closes)
        else:
            minutes = overlap(opens, DAY_MINUTES) + overlap(0, closes)
            if closes == opens:
                minutes[:] = self.slot_minutes
        return minutes / 60

    def day_weights(self, day: date, profile: NDArray[np.float64]) -> tuple[int, NDArray[np.float64]]:
        """Share of a day's collection in each slot of that day that lies in the horizon.

        Returns the first such slot and the shares, in slot order. Hours that straddle slots
        count pro rata. ``profile``: 24 shares, by hour. An empty array: no slot of that day.
        """
        midnight = datetime(day.year, day.month, day.day)
        first = max(0, self.slot_of(midnight))
        last = min(self.slots, self.slot_of(midnight + timedelta(days=1)))
        if last <= first:
            return 0, np.zeros(0)
        cumulative = np.concatenate([[0.0], np.cumsum(profile)])
        edges = np.array([(self.time(t) - midnight) / timedelta(hours=1) for t in range(first, last + 1)])
        return first, np.diff(np.interp(edges, np.arange(25), cumulative))


def offset_change(start: datetime, end: datetime, zone: ZoneInfo) -> datetime | None:
    """The first hour of [start, end) at which the zone's offset differs from that at ``start``."""
    first = start.replace(tzinfo=zone).utcoffset()
    hour = start
    while hour < end:
        if hour.replace(tzinfo=zone).utcoffset() != first:
            return hour
        hour += timedelta(hours=1)
    return None

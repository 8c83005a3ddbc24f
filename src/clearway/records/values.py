"""Cells of one record type made regular: typed columns, and which rows are at fault and why.

In:     a batch of columns under their declared names, as they stand in the file
Out:    a typed frame, faults by row and field, a reason for each row at fault
Not:    opening files (inputs), which columns there are (columns.py), keys (keys.py)
Words:  moment = a local time without offset, in the zone of the lake
"""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from clearway.core.errors import Faults
from clearway.core.tables import FALSE, TRUE
from clearway.core.timegrid import parse_time
from clearway.records.declared import AMOUNTS, COUNTS, Field, RecordType
from clearway.records.identifiers import is_uscc, nearest_place, place_code, regular_items
from clearway.records.privacy import masked_column
from clearway.records.sheet import Sheet
from clearway.records.texts import choice_spellings, glimpse, plain_text

ZONE = ZoneInfo("Asia/Shanghai")
# a sender's clock may run ahead by this much
_CLOCK_SLACK = timedelta(minutes=5)
_FORMULA = r"^[=@\t\r]|^[+\-][A-Za-z(=@]"
_TOTALS = r"^(合\s*计|总\s*计|小\s*计|累\s*计|共\s*计|本页合计|(?i:total|subtotal|grand total|sum))[:：]?$"
_LONGEST_TOTAL = 24
_TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
          "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f")  # fmt: skip
_OFFSET = r"(Z|[+-]\d{2}:?\d{2})$"
_YES = {**dict.fromkeys(TRUE, True), **dict.fromkeys(FALSE, False)}
_INTERVALS = (("from", "to"), ("start", "end"))
_LARGEST = 2**53
# 1000-01-01 and 9999-12-31, as days since 1970-01-01
_OUR_DAYS = (-354_285, 2_932_896)
# the list of places that holds for records without a day
_NEWEST_YEAR = 2023


def read_values(
    batch: pl.DataFrame, rtype: RecordType, sheet: Sheet, *, now: datetime | None, zone: ZoneInfo = ZONE
) -> pl.DataFrame:
    """Typed columns of a batch, in declared order; what is wrong is noted on ``sheet``.

    Parameters
    ----------
    batch
        Columns under their declared names; absent optional ones are null.
    now
        When the records were received, local time: what claims to be later has a wrong clock. ``None`` where
        the future is no fault (registers, simulations).
    """
    columns, free = {}, rtype.free_text()
    blank = pl.repeat(True, len(batch), dtype=pl.Boolean, eager=True)
    for name in batch.columns:
        blank = blank & batch[name].is_null()
    for f in rtype.fields:
        if f.name not in batch.columns:
            columns[f.name] = pl.Series(f.name, [None] * len(batch), dtype=f.dtype)
            continue
        cells = batch[f.name]
        _check_text(cells, f, sheet)
        value = _typed(cells, f, sheet, zone)
        if f.name in free:
            value = masked_column(value)
        if f.required:
            sheet.bad(cells.is_null() & ~blank, "required", f.name)
        columns[f.name] = value.alias(f.name)
    typed = pl.DataFrame(columns)
    typed = _places(typed, batch, rtype, sheet)
    _check_order(typed, rtype, sheet)
    if now is not None and rtype.by_day:
        _check_clock(typed[rtype.time], rtype, sheet, now)
    return typed


def _check_text(cells: pl.Series, f: Field, sheet: Sheet) -> None:
    if cells.dtype != pl.String:
        return
    formula = r"^[=@]" if f.kind in COUNTS | AMOUNTS else _FORMULA
    seen = glimpse(cells)
    if seen.str.head(1).is_in(list("=@+-\t\r")).any():
        sheet.bad(cells.str.contains(formula).fill_null(False), "formula_cell", f.name, cells)
    if f.key and (seen.str.len_bytes() < _LONGEST_TOTAL).any() and seen.str.contains(_TOTALS).any():
        sheet.bad(cells.str.contains(_TOTALS).fill_null(False), "totals_row", f.name, cells)
    if seen.str.contains("\ufffd", literal=True).any():
        sheet.bad(cells.str.contains("\ufffd", literal=True).fill_null(False), "mixed_encoding", f.name, cells)


def _typed(cells: pl.Series, f: Field, sheet: Sheet, zone: ZoneInfo) -> pl.Series:
    if f.kind in COUNTS or f.kind in AMOUNTS or f.kind == "year":
        return _number(cells, f, sheet)
    if f.kind == "timestamp":
        return _moment(cells, f, sheet, zone)
    if f.kind == "date":
        return _date(cells, f, sheet, zone)
    if f.kind == "month":
        return _month(cells, f, sheet)
    if f.kind == "yes/no":
        return _bool(cells, f, sheet)
    text = plain_text(cells)
    if f.kind == "choice":
        spellings = choice_spellings(f.choices)
        if text.is_in(list(f.choices)).all():  # nulls count as being in
            return text
        value = text.str.to_lowercase().replace_strict(spellings, default=None, return_dtype=pl.String)
        bad = text.is_not_null() & value.is_null()
        sheet.bad(bad, "not_choice", f.name, text, known=list(spellings), choices=", ".join(f.choices))
        return value
    if f.kind == "USCC":
        distinct = text.drop_nulls().unique().to_list()
        right = {
            t: unicodedata.normalize("NFKC", t).upper() for t in distinct if is_uscc(unicodedata.normalize("NFKC", t))
        }
        value = text.replace_strict(right, default=None, return_dtype=pl.String)
        sheet.bad(text.is_not_null() & value.is_null(), "not_uscc", f.name, text)
        return value
    if f.name == "item_id":
        value, wrong = regular_items(text)
        sheet.bad(wrong, "not_s10", f.name, text)
        return value
    return text


def _number(cells: pl.Series, f: Field, sheet: Sheet) -> pl.Series:
    if cells.dtype.is_numeric():
        value, bad = cells.cast(pl.Float64), pl.repeat(False, len(cells), dtype=pl.Boolean, eager=True)
    else:
        text = plain_text(cells)
        value = text.cast(pl.Float64, strict=False)
        odd = text.is_not_null() & value.is_null()
        if odd.any():  # 1,234 and full-width digits
            tidy = text.filter(odd).map_elements(
                lambda t: unicodedata.normalize("NFKC", t).replace(",", ""), return_dtype=pl.String
            )
            value = value.scatter(odd.arg_true(), tidy.cast(pl.Float64, strict=False))
        bad = text.is_not_null() & value.is_null() & ~text.str.contains(r"^[=@]").fill_null(False)
    bad = bad | (~value.is_finite()).fill_null(False) | (value.abs() >= _LARGEST).fill_null(False)
    sheet.bad(bad, "not_number", f.name, cells)
    value = value.set(bad, None)
    if f.kind != "degC":
        sheet.bad((value < 0).fill_null(False), "below", f.name, cells, limit="0")
    if f.kind in COUNTS or f.kind == "year":
        sheet.bad((value != value.floor()).fill_null(False), "not_whole", f.name, cells)
        return value.floor().cast(pl.Int64, strict=False)
    return value


def _moment(cells: pl.Series, f: Field, sheet: Sheet, zone: ZoneInfo) -> pl.Series:
    if isinstance(cells.dtype, pl.Datetime):
        if cells.dtype.time_zone:
            cells = cells.dt.convert_time_zone(str(zone)).dt.replace_time_zone(None)
        return _of_our_years(cells, "not_time", f, sheet).cast(pl.Datetime("us"))
    if cells.dtype == pl.Date:
        return _of_our_years(cells, "not_time", f, sheet).cast(pl.Datetime("us"))
    text = plain_text(cells)
    value = parse_moments(text, zone)
    bad = text.is_not_null() & value.is_null()
    serial = bad & text.str.contains(r"^\d{5}(\.\d+)?$").fill_null(False)
    sheet.bad(serial, "serial_date", f.name, text)
    sheet.bad(bad & ~serial, "not_time", f.name, text)
    return value


def _of_our_years(cells: pl.Series, code: str, f: Field, sheet: Sheet) -> pl.Series:
    """Days and times of years of four digits; a file can hold others, which no calendar here knows."""
    days = cells.to_physical()
    if isinstance(cells.dtype, pl.Datetime):
        days = days // (86_400 * {"ms": 10**3, "us": 10**6, "ns": 10**9}[cells.dtype.time_unit])
    odd = (~days.is_between(*_OUR_DAYS)).fill_null(False)
    if not odd.any():
        return cells
    sheet.bad(odd, code, f.name, cells.to_physical())
    return cells.set(odd, None)


def parse_moments(text: pl.Series, zone: ZoneInfo) -> pl.Series:
    """Local times from texts; null where a text is none."""
    value = pl.Series(text.name, [None] * len(text), dtype=pl.Datetime("us"))
    open_ = text.is_not_null()
    for shape in _TIMES:
        if not open_.any():
            return value
        value = value.zip_with(value.is_not_null(), text.str.to_datetime(shape, strict=False, time_unit="us"))
        open_ = text.is_not_null() & value.is_null()
    if not open_.any():
        return value
    with_offset = open_ & text.str.contains(_OFFSET).fill_null(False)
    if with_offset.any():
        utc = text.str.replace(r"Z$", "+00:00").str.replace(" ", "T", literal=True)
        for shape in ("%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M%:z"):
            local = utc.str.to_datetime(shape, strict=False, time_unit="us", time_zone="UTC")
            local = local.dt.convert_time_zone(str(zone)).dt.replace_time_zone(None)
            value = value.zip_with(~with_offset | value.is_not_null(), local)
        open_ = text.is_not_null() & value.is_null()
    rest = text.filter(open_).unique().to_list()
    known = {}
    for item in rest:
        try:
            known[item] = parse_time(_regular_time(item), zone)
        except (ValueError, OverflowError):
            continue
    if known:
        slow = text.replace_strict(known, default=None, return_dtype=pl.Datetime("us"))
        value = value.zip_with(value.is_not_null(), slow)
    return value


def _regular_time(text: str) -> str:
    """2022年1月5日8时30分 and 2022/1/5 8:30 as ISO; a bare number stays no time."""
    text = unicodedata.normalize("NFKC", text).strip()
    if text.replace(".", "").isdigit():
        raise ValueError(text)
    for zh, sign in (("年", "-"), ("月", "-"), ("日", " "), ("时", ":"), ("分", ""), ("/", "-"), ("T", " ")):
        text = text.replace(zh, sign)
    day, _, clock = " ".join(text.split()).partition(" ")
    parts = day.split("-")
    if len(parts) != 3 or len(parts[0]) != 4 or not all(p.isdigit() for p in parts):
        raise ValueError(text)
    day = f"{parts[0]}-{int(parts[1]):02d}-{int(parts[2]):02d}"
    clock = clock.rstrip(":") + (":00" if clock.endswith(":") else "")
    return f"{day} {clock.zfill(5) if ':' in clock and len(clock) < 5 else clock}".strip()


def _date(cells: pl.Series, f: Field, sheet: Sheet, zone: ZoneInfo) -> pl.Series:
    if cells.dtype == pl.Date:
        return _of_our_years(cells, "not_date", f, sheet)
    text = None
    if isinstance(cells.dtype, pl.Datetime):
        cells = _of_our_years(cells, "not_date", f, sheet)
        moment = cells.dt.replace_time_zone(None).cast(pl.Datetime("us"))
        bad = pl.repeat(False, len(cells), dtype=pl.Boolean, eager=True)
    else:
        text = plain_text(cells)
        day = text.str.to_date("%Y-%m-%d", strict=False)
        if not (text.is_not_null() & day.is_null()).any():
            return day
        moment = parse_moments(text, zone).zip_with(day.is_null(), day.cast(pl.Datetime("us")))
        bad = text.is_not_null() & moment.is_null()
        serial = bad & text.str.contains(r"^\d{5}(\.0)?$").fill_null(False)
        sheet.bad(serial, "serial_date", f.name, text)
        bad = bad & ~serial
    day = moment.dt.date()
    bad = bad | (moment != day.cast(pl.Datetime("us"))).fill_null(False)
    sheet.bad(bad, "not_date", f.name, text if text is not None else cells)
    return day


def _month(cells: pl.Series, f: Field, sheet: Sheet) -> pl.Series:
    if isinstance(cells.dtype, pl.Datetime) or cells.dtype == pl.Date:
        return _of_our_years(cells, "not_month", f, sheet).dt.strftime("%Y-%m")
    text = plain_text(cells)
    parts = (
        text.str.replace_all(r"[年/.]", "-").str.replace(r"月$", "").str.extract_groups(r"^(\d{4})-(\d{1,2})(?:-01)?$")
    )
    year, month = parts.struct.field("1"), parts.struct.field("2").str.zfill(2)
    value = year + "-" + month
    right = value.is_not_null() & (year >= "1900") & month.cast(pl.Int32, strict=False).is_between(1, 12)
    bad = text.is_not_null() & ~right.fill_null(False)
    sheet.bad(bad, "not_month", f.name, text)
    return value.set(bad, None)


def _bool(cells: pl.Series, f: Field, sheet: Sheet) -> pl.Series:
    if cells.dtype == pl.Boolean:
        return cells
    text = plain_text(cells)
    value = text.str.to_lowercase().replace_strict(_YES, default=None, return_dtype=pl.Boolean)
    sheet.bad(text.is_not_null() & value.is_null(), "not_bool", f.name, text)
    return value


def _places(typed: pl.DataFrame, batch: pl.DataFrame, rtype: RecordType, sheet: Sheet) -> pl.DataFrame:
    """Places as codes of the year of the record."""
    for f in rtype.fields:
        if f.kind not in ("place", "place or unit") or f.name not in batch.columns:
            continue
        text = typed[f.name]
        years = record_days(typed, rtype).dt.year().fill_null(_NEWEST_YEAR).cast(pl.Int32)
        code, wrong = _codes(text, years)
        if f.kind == "place or unit":  # a unit has an id of its own
            code = code.fill_null(text)
        elif wrong:
            sheet.bad(text.is_not_null() & code.is_null(), "not_place", f.name, text, alike=nearest_place)
        typed = typed.with_columns(code.alias(f.name))
    return typed


def _codes(text: pl.Series, years: pl.Series) -> tuple[pl.Series, bool]:
    """Codes of places by their years; null where there is no such place, and whether that occurs."""
    code = pl.Series(text.name, [None] * len(text), dtype=pl.String)
    wrong = False
    for year in years.unique().to_list():
        known = {}
        mine = text if years.n_unique() == 1 else text.set(years != year, None)
        for place in mine.drop_nulls().unique().to_list():
            try:
                known[place] = place_code(place, year)
            except ValueError:
                wrong = True
        if all(k == v for k, v in known.items()) and not wrong:
            code = code.zip_with(mine.is_null(), mine)
        else:
            code = code.zip_with(mine.is_null(), mine.replace_strict(known, default=None, return_dtype=pl.String))
    return code, wrong


def record_days(typed: pl.DataFrame, rtype: RecordType) -> pl.Series:
    """The day each record belongs to, by its time of record."""
    time, kind = typed[rtype.time], rtype[rtype.time].kind
    if kind == "month":
        return (time + "-01").str.to_date("%Y-%m-%d", strict=False)
    if kind == "year":
        return typed.select(pl.date(pl.col(rtype.time).clip(1, 9999), 1, 1)).to_series()
    return time.dt.date() if kind == "timestamp" else time


def _check_order(typed: pl.DataFrame, rtype: RecordType, sheet: Sheet) -> None:
    for first, last in _INTERVALS:
        if first in rtype.names and last in rtype.names:
            sheet.bad((typed[last] < typed[first]).fill_null(False), "ends_before", last, typed[last], first=first)


def _check_clock(time: pl.Series, rtype: RecordType, sheet: Sheet, now: datetime) -> None:
    kind = rtype[rtype.time].kind
    latest: Any = {
        "timestamp": now + _CLOCK_SLACK, "date": now.date(), "month": f"{now:%Y-%m}", "year": now.year
    }[kind]  # fmt: skip
    sheet.bad((time > latest).fill_null(False), "future", rtype.time, time, now=_shown(now))


def _shown(now: datetime | date) -> str:
    return f"{now:%Y-%m-%d %H:%M}"


def parse_day(value: date | str | None) -> date | None:
    """A day as a user of the library says it; a fault where it is none."""
    if value is None or isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    try:
        return date.fromisoformat(value)
    except ValueError:
        faults = Faults()
        faults.add("not_date", "day", None, None, value)
        faults.require()
        raise

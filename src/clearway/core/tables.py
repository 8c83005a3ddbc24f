"""Tables read and checked against a declared schema, with every fault named.

In:     a RawTable (raw.py) and a Schema (schema.py)
Out:    a typed Polars frame whose row order is the file's; faults and warnings collected
Not:    what holds between rows or tables (each room checks its own)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from clearway.core.errors import Faults
from clearway.core.raw import RawTable
from clearway.core.schema import POLARS_TYPES, Column, Schema, choice_values, load_choices, nearest
from clearway.core.timegrid import parse_clock, parse_time

TRUE, FALSE = {"true", "1", "yes", "y", "是", "真"}, {"false", "0", "no", "n", "否", "假"}


def _text(series: pl.Series) -> pl.Series:
    """As stripped text with empty as null; integers without a trailing '.0'."""
    if series.dtype.is_float():
        whole = series.cast(pl.Int64, strict=False)
        both = pl.DataFrame({"x": series, "w": whole})
        series = both.select(
            pl.when(pl.col("x") == pl.col("w")).then(pl.col("w").cast(pl.String)).otherwise(pl.col("x").cast(pl.String))
        ).to_series()
    text = series.cast(pl.String).str.strip_chars(" \t\r\n\u3000\u00a0")
    return text.set(text == "", None)


def _each(text: pl.Series, parse: Callable[[str], Any], dtype: Any) -> tuple[pl.Series, pl.Series]:
    """Parse distinct texts one by one; returns values and a mask of what did not parse."""
    distinct = text.drop_nulls().unique().to_list()
    values: dict[str, Any] = {}
    for item in distinct:
        try:
            values[item] = parse(item)
        except (ValueError, OverflowError):
            continue
    known = pl.DataFrame(
        {"text": list(values), "value": list(values.values())}, schema={"text": pl.String, "value": dtype}
    )
    joined = pl.DataFrame({"text": text}).join(known, on="text", how="left", maintain_order="left")
    return joined["value"], text.is_not_null() & joined["value"].is_null()


# a spreadsheet keeps a time of day as a moment of its first days
_SHEET_DAY = re.compile(r"^(1899-12-3\d|1900-01-0\d)[ T]")


def _clocks(text: str) -> str:
    minutes = [parse_clock(part) for part in _SHEET_DAY.sub("", text).split()]
    return " ".join(f"{m // 60:02d}:{m % 60:02d}" for m in minutes)


def _bool(text: str) -> bool:
    word = text.casefold()
    if word not in TRUE | FALSE:
        raise ValueError(text)
    return word in TRUE


def _choice(spellings: Mapping[str, str], many: bool) -> Callable[[str], str]:
    def parse(text: str) -> str:
        words = text.split() if many else [text]
        unknown = [w for w in words if w.casefold() not in spellings]
        if unknown:
            raise ValueError(unknown[0])
        return " ".join(spellings[w.casefold()] for w in words)

    return parse


def _typed(series: pl.Series, column: Column, zone: ZoneInfo) -> tuple[pl.Series, pl.Series, str]:
    """Values of one column, a mask of cells that are not of the type, and the fault's code."""
    none = pl.repeat(False, len(series), dtype=pl.Boolean, eager=True)
    kind = column.type
    if kind == "number":
        if series.dtype.is_numeric():
            return series.cast(pl.Float64), none, "not_number"
        text = _text(series)
        value = text.str.replace_all("，", "").cast(pl.Float64, strict=False)
        return value, text.is_not_null() & value.is_null(), "not_number"
    if kind == "date" and series.dtype == pl.Date:
        return series, none, "not_date"
    if kind == "date" and isinstance(series.dtype, pl.Datetime):
        day = series.cast(pl.Date)
        return day, series.is_not_null() & (series != day.cast(series.dtype)), "not_date"
    if kind in ("clock", "clocks") and (series.dtype == pl.Time or isinstance(series.dtype, pl.Datetime)):
        series = series.dt.strftime("%H:%M")
    if kind == "time" and isinstance(series.dtype, pl.Datetime):
        if series.dtype.time_zone:
            series = series.dt.convert_time_zone(str(zone)).dt.replace_time_zone(None)
        return series.cast(pl.Datetime("us")), none, "not_time"
    if kind == "bool" and series.dtype == pl.Boolean:
        return series, none, "not_bool"
    text = _text(series)
    if kind == "date":

        def parse_day(item: str) -> Any:
            moment = parse_time(_padded(item), zone)
            if (moment.hour, moment.minute, moment.second) != (0, 0, 0):
                raise ValueError(item)
            return moment.date()

        return *_each(text, parse_day, pl.Date), "not_date"
    if kind == "time":
        return *_each(text, lambda item: parse_time(_padded(item), zone), pl.Datetime("us")), "not_time"
    if kind in ("clock", "clocks"):
        return *_each(text, _clocks, pl.String), "not_clock"
    if kind == "bool":
        return *_each(text, _bool, pl.Boolean), "not_bool"
    if kind in ("choice", "choices"):
        parse = _choice(load_choices()[column.choices], kind == "choices")
        return *_each(text, parse, pl.String), "not_choice"
    if kind == "ids":
        text = text.str.replace_all(r"\s+", " ")
    return text, none, "not_text"


def _padded(text: str) -> str:
    """2022/1/5 8:00 as a spreadsheet shows it -> 2022-01-05 08:00."""
    day, _, clock = text.replace("/", "-").replace("T", " ").partition(" ")
    parts = day.split("-")
    if len(parts) == 3 and all(p.isdigit() for p in parts):
        day = f"{parts[0]}-{int(parts[1]):02d}-{int(parts[2]):02d}"
    if len(clock) > 1 and clock[1] == ":":
        clock = "0" + clock
    return f"{day} {clock}".strip()


def _report(
    faults: Faults,
    code: str,
    file: str,
    mask: pl.Series,
    raw: pl.Series,
    first_row: int,
    column: Column,
    *,
    known: Sequence[str] = (),
    **details: Any,
) -> None:
    """A fault for each row of ``mask``; with ``known`` its text names the nearest known value."""
    rows = mask.arg_true()
    alike: dict[Any, str] = {}
    for index, value in zip(rows.to_list(), raw.gather(rows).to_list(), strict=True):
        if known and not faults.full:
            if value not in alike:
                alike[value] = nearest(value, known)
            details["nearest"] = alike[value]
        faults.add(code, file, first_row + index, column.name, value, **details)


def _bounds(faults: Faults, file: str, value: pl.Series, raw: pl.Series, first_row: int, column: Column) -> None:
    infinite = ~value.is_finite()
    _report(faults, "not_finite", file, infinite.fill_null(False), raw, first_row, column)
    checks = (
        ("below", column.minimum, value.__lt__),
        ("not_above", column.above, value.__le__),
        ("above", column.maximum, value.__gt__),
    )
    for code, limit, test in checks:
        if limit is not None:
            mask = (test(limit) & ~infinite).fill_null(False)
            _report(faults, code, file, mask, raw, first_row, column, limit=f"{limit:g}")


def _renamed(batch: pl.DataFrame, schema: Schema, file: str, faults: Faults) -> pl.DataFrame:
    """Columns under their canonical names; unknown and repeated ones become faults."""
    canonical = {alias.casefold(): c.name for c in schema.columns for alias in (c.name, *c.zh)}
    names: dict[str, str] = {}
    for name in batch.columns:
        target = canonical.get(name.strip().casefold())
        if target is None:
            faults.add("unknown_column", file, 1, name, nearest=nearest(name, [*schema.names, *canonical]))
        elif target in names.values():
            faults.add("repeated_column", file, 1, name)
        else:
            names[name] = target
    return batch.select(list(names)).rename(names)


def read_table(
    raw: RawTable,
    schema: Schema,
    faults: Faults,
    *,
    zone: ZoneInfo,
    ids: Mapping[str, tuple[str, pl.Series]] | None = None,
    first_row: int = 2,
) -> pl.DataFrame:
    """Read one table to its schema; every fault goes to ``faults``.

    Parameters
    ----------
    raw
        Where the rows come from.
    zone
        Time zone of times without an offset, and to which others are converted.
    ids
        For a column of references: the table it points to and that table's ids. The column
        comes back as ``pl.Enum`` of those ids, which keeps large tables small.
    first_row
        Number of the first row in messages: 2 below a header.

    Returns
    -------
    pl.DataFrame
        All columns of the schema in its order, absent ones null; faulty cells are null.
    """
    ids = ids or {}
    enums = {name: pl.Enum(values.unique(maintain_order=True).drop_nulls()) for name, (_, values) in ids.items()}
    parts: list[pl.DataFrame] = []
    started = False
    for batch in raw.batches(faults):
        batch = _renamed(batch, schema, raw.file, faults if not started else Faults())
        if not started:
            for column in schema.columns:
                if column.required and column.name not in batch.columns:
                    faults.add("missing_column", raw.file, 1, column.name)
        started = True
        typed: dict[str, pl.Series] = {}
        blank = _blank_rows(batch)
        for column in schema.columns:
            if column.name not in batch.columns:
                dtype = enums.get(column.name, POLARS_TYPES[column.type])
                typed[column.name] = pl.Series(column.name, [None] * len(batch), dtype=dtype)
                continue
            typed[column.name] = _read_column(
                batch[column.name], column, raw.file, faults, zone, first_row, blank, ids.get(column.name), enums
            )
        part = pl.DataFrame(typed)
        parts.append(part.filter(~blank) if blank.any() else part)
        first_row += len(batch)
    if not parts:
        return schema.empty()
    frame = pl.concat(parts, rechunk=False) if len(parts) > 1 else parts[0]
    for column in schema.columns:
        if column.unique:
            _check_unique(frame[column.name], raw.file, column.name, faults)
    return frame


def _read_column(
    cells: pl.Series,
    column: Column,
    file: str,
    faults: Faults,
    zone: ZoneInfo,
    first_row: int,
    blank: pl.Series,
    reference: tuple[str, pl.Series] | None,
    enums: Mapping[str, pl.Enum],
) -> pl.Series:
    """Typed values of one column of one batch; every faulty cell is reported and null."""
    value, bad, code = _typed(cells, column, zone)
    if code == "not_choice":
        known = list(load_choices()[column.choices])
        choices = ", ".join(choice_values(column.choices))
        _report(faults, code, file, bad, cells, first_row, column, known=known, choices=choices)
    else:
        _report(faults, code, file, bad, cells, first_row, column)
    if column.required:
        _report(faults, "required", file, value.is_null() & ~bad & ~blank, cells, first_row, column)
    if column.type == "number":
        _bounds(faults, file, value, cells, first_row, column)
    if reference is not None:
        table, ids = reference
        coded = value.cast(enums[column.name], strict=False)
        unknown = value.is_not_null() & coded.is_null()
        if unknown.any():
            _report(faults, "unknown_id", file, unknown, value, first_row, column, known=ids.to_list(), table=table)
        value = coded
    return value.alias(column.name)


def _blank_rows(batch: pl.DataFrame) -> pl.Series:
    """Rows without any value (spreadsheets leave them at the end)."""
    if not batch.width:
        return pl.repeat(False, len(batch), dtype=pl.Boolean, eager=True)
    return batch.select(
        pl.all_horizontal(
            (pl.col(c).is_null() | (pl.col(c).str.strip_chars() == ""))
            if batch[c].dtype == pl.String
            else pl.col(c).is_null()
            for c in batch.columns
        )
    ).to_series()


def _check_unique(values: pl.Series, file: str, column: str, faults: Faults) -> None:
    if values.drop_nulls().n_unique() == values.len() - values.null_count():
        return
    first: dict[str, int] = {}
    for row, value in enumerate(values.to_list(), start=2):
        if value is None:
            continue
        if value in first:
            faults.add("repeated_id", file, row, column, value, first=first[value])
        else:
            first[value] = row


def csv_text(frame: pl.DataFrame) -> str:
    """CSV of a typed frame: times to the minute where that is exact, whole numbers without '.0'."""
    columns = []
    for name, dtype in frame.schema.items():
        column = pl.col(name)
        if isinstance(dtype, pl.Datetime):
            whole = column.dt.second() + column.dt.microsecond() == 0
            column = (
                pl.when(whole)
                .then(column.dt.strftime("%Y-%m-%dT%H:%M"))
                .otherwise(column.dt.strftime("%Y-%m-%dT%H:%M:%S%.f"))
            )
        elif dtype.is_float():
            exact = (column == column.round(0)) & (column.abs() < 2**53)
            column = (
                pl.when(exact)
                .then(column.cast(pl.Int64, strict=False).cast(pl.String))
                .otherwise(column.cast(pl.String))
            )
        columns.append(column.alias(name))
    return frame.select(columns).write_csv()


def write_sheets(path: Path, sheets: Mapping[str, pl.DataFrame]) -> None:
    """Frames as sheets of a workbook, whole or not at all; of each as many rows as a sheet holds."""
    import xlsxwriter

    from clearway.core.files import staged_file

    with staged_file(path) as staging, xlsxwriter.Workbook(str(staging), {"strings_to_formulas": False}) as book:
        for name, frame in sheets.items():
            frame.head(1_000_000).write_excel(book, worksheet=name, autofit=True, freeze_panes=(1, 0))


def rows_where(frame: pl.DataFrame, condition: pl.Expr, first_row: int = 2) -> list[tuple[int, dict[str, Any]]]:
    """Spreadsheet row numbers and values of the rows where a condition holds."""
    hit = frame.with_row_index("__row", first_row).filter(condition.fill_null(False))
    return [(row.pop("__row"), row) for row in hit.to_dicts()]

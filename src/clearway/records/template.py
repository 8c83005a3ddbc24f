"""Workbooks to fill in: one a record type, with lists to choose from and help in both languages.

In:     a record type
Out:    .xlsx
Not:    reading it back (inputs.workbook)
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from clearway.core.files import staged_file
from clearway.records.declared import AMOUNTS, COUNTS, Field, RecordType
from clearway.records.texts import choice_label

ROWS = 2_000
_FORMATS = {"date": "yyyy-mm-dd", "timestamp": "yyyy-mm-dd hh:mm", "month": "@", "year": "0"}
_KIND_HELP = {
    "date": ("a day, such as 2022-11-18", "日期，如 2022-11-18"),
    "timestamp": ("a local time, such as 2022-11-18 08:30", "当地时间，如 2022-11-18 08:30"),
    "month": ("a month, such as 2022-11", "月份，如 2022-11"),
    "year": ("a year, such as 2022", "年份，如 2022"),
    "yes/no": ("yes or no", "是或否"),
    "unit": ("the id of a unit, as in the register", "单位编号，与登记一致"),
    "place": ("a division code or name, such as 330100", "行政区划代码或名称，如 330100"),
    "place or unit": ("a division code or the id of a unit", "行政区划代码或单位编号"),
    "USCC": ("unified social credit code, 18 characters", "统一社会信用代码，18 位"),
    "text": ("a text, without names of persons", "文字，不填个人姓名"),
    "person": ("a person's number; kept under a pseudonym only", "人员编号；只以假名保存"),
}


def write_template(rtype: RecordType, path: Path, lang: str = "zh") -> None:
    """Write the workbook of a type; headings and lists are in ``lang`` (``zh`` or ``en``), help is in both."""
    import xlsxwriter

    with staged_file(path) as staging, xlsxwriter.Workbook(str(staging), {"strings_to_formulas": False}) as book:
        sheet = book.add_worksheet(rtype.name)
        sheet.freeze_panes(1, 0)
        required = book.add_format({"bold": True, "bg_color": "#fff2cc", "text_wrap": True})
        plain = book.add_format({"bold": True, "text_wrap": True})
        for column, f in enumerate(rtype.fields):
            heading = (f.zh or f.name) if lang == "zh" else f.name
            sheet.write_string(0, column, heading + ("*" if f.required else ""), required if f.required else plain)
            sheet.write_comment(0, column, _help(f), {"x_scale": 2})
            fmt = book.add_format({"num_format": _FORMATS[f.kind]}) if f.kind in _FORMATS else None
            sheet.set_column(column, column, max(12, 2 * len(heading) + 2), fmt)
            if (rule := _rule(f, lang)) is not None:
                sheet.data_validation(1, column, ROWS, column, rule)
        if rtype.family == "return":
            column = len(rtype.fields)
            sheet.write_string(0, column, "零报告" if lang == "zh" else "nil", plain)
            sheet.write_comment(
                0,
                column,
                "Nothing to report: fill in unit and day, and 'yes' here.\n无事可报：只填单位、日期，并在此填“是”。",
            )
            sheet.data_validation(
                1, column, ROWS, column, {"validate": "list", "source": ["是" if lang == "zh" else "yes"]}
            )
        _help_sheet(book, rtype)


def _rule(f: Field, lang: str) -> dict[str, Any] | None:
    told = {"error_title": "Clearway", "error_message": _help(f)[:255], "ignore_blank": True}
    if f.kind == "choice":
        source = [choice_label(c, f.name) if lang == "zh" else c for c in f.choices]
        if len(",".join(source)) > 250:
            return None
        return {"validate": "list", "source": source, **told}
    if f.kind == "yes/no":
        return {"validate": "list", "source": ["是", "否"] if lang == "zh" else ["yes", "no"], **told}
    if f.kind in COUNTS:
        return {"validate": "integer", "criteria": ">=", "value": 0, **told}
    if f.kind in AMOUNTS and f.kind != "degC":
        return {"validate": "decimal", "criteria": ">=", "value": 0, **told}
    if f.kind in ("date", "timestamp"):
        return {"validate": "date", "criteria": ">=", "value": date(1990, 1, 1), **told}
    return None


def _help(f: Field) -> str:
    en, zh = _KIND_HELP.get(f.kind, (f"a number [{f.kind}]", f"数字 [{f.kind}]"))
    if f.kind == "choice":
        en = "one of " + ", ".join(f.choices)
        zh = "选填：" + "、".join(choice_label(c, f.name) for c in f.choices)
    parts = [f"{f.name}: {f.meaning + '; ' if f.meaning else ''}{en}"]
    parts.append(f"{f.zh or f.name}：{f.meaning_zh + '；' if f.meaning_zh else ''}{zh}")
    return "\n".join(parts)


def _help_sheet(book: Any, rtype: RecordType) -> None:
    sheet = book.add_worksheet("说明")
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    bold = book.add_format({"bold": True})
    sheet.write_row(0, 0, ["field", "字段", "required 必填", "help 说明"], bold)
    for row, f in enumerate(rtype.fields, 1):
        sheet.write_row(row, 0, [f.name, f.zh, "yes 是" if f.required else "", _help(f)], wrap)
    notes = [
        "One record a row; no merged cells, no totals, no formulas. 每行一条；不合并单元格，不写合计，不用公式。",
        "Names, phone numbers and the like of persons are dropped unread. 姓名、电话等个人信息一律删除，不予读取。",
        "Sent twice does no harm; a corrected row takes the place of the earlier. 重复报送无妨；更正后的行取代原行。",
    ]
    for row, note in enumerate(notes, len(rtype.fields) + 2):
        sheet.write_string(row, 0, note)
    sheet.set_column(0, 2, 16)
    sheet.set_column(3, 3, 80)

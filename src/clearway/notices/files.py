"""Write what was read: clean text, orders as JSON, and lists of orders as CSV and workbook.

In:     Notices
Out:    <name>.clean.txt, <name>.orders.json, orders.csv, orders.xlsx
Not:    the review page (reporting.review)
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clearway.core.files import staged_file
from clearway.notices.orders import topic_titles
from clearway.notices.types import Notice, Order

# key: heading en, heading zh, width in the workbook; the last two are for whoever takes the list in hand
COLUMNS: dict[str, tuple[str, str, int]] = {
    "notice": ("notice", "文件", 16),
    "title": ("title", "标题", 28),
    "date": ("date", "日期", 11),
    "n": ("no.", "序号", 6),
    "issuer": ("issuer", "发布机关", 18),
    "speaker": ("speaker", "讲话人", 9),
    "verb": ("verb", "引导词", 7),
    "addressee": ("who must act", "责任主体", 18),
    "ordinal": ("item", "条目", 6),
    "text": ("what", "要求", 70),
    "topics": ("topics", "主题", 20),
    "targets": ("targets", "指标与文件", 20),
    "deadline": ("deadline", "时限", 14),
    "from": ("from", "自", 11),
    "to": ("to", "至", 11),
    "place": ("place", "地点", 12),
    "place_codes": ("place codes", "区划代码", 12),
    "actionable": ("a duty", "可执行", 8),
    "assigned": ("assigned to", "承办人", 12),
    "done": ("done", "完成情况", 20),
}
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def write_notice(notice: Notice, folder: Path) -> list[Path]:
    """Write a notice's clean text and orders; each file is there whole or as it was before."""
    paths = [folder / f"{notice.name}.clean.txt", folder / f"{notice.name}.orders.json"]
    text = json.dumps(notice.to_dict(), ensure_ascii=False, indent=1) + "\n"
    for path, content in zip(paths, (notice.clean, text), strict=True):
        with staged_file(path) as staging:
            staging.write_bytes(content.encode("utf-8", "replace"))
    return paths


def order_rows(notice: Notice, lang: str = "en") -> list[dict[str, Any]]:
    """One row an order, ready to hand out; keys as in ``COLUMNS``."""
    return [_row(notice, order, lang) for order in notice.orders]


def _row(notice: Notice, order: Order, lang: str) -> dict[str, Any]:
    titles = topic_titles()
    due = order.due or {}
    return {
        "notice": notice.name,
        "title": notice.title or "",
        "date": notice.date or notice.date_text or "",
        "n": order.n,
        "issuer": order.issuer or "",
        "speaker": order.speaker or "",
        "verb": order.verb or "",
        "addressee": order.addressee or "",
        "ordinal": order.ordinal or "",
        "text": order.text,
        "topics": "；".join(titles.get(t, (t, t))[0 if lang == "zh" else 1] for t in order.topics),
        "targets": "；".join(order.targets),
        "deadline": order.deadline or "",
        "from": due.get("from", ""),
        "to": due.get("to", ""),
        "place": order.place or "",
        "place_codes": " ".join(order.place_codes),
        "actionable": {"zh": "是否", "en": "yn"}[lang][0 if order.actionable else 1],
        "assigned": "",
        "done": "",
    }


def safe_cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_STARTS_FORMULA) else value


def write_csv(rows: Sequence[dict[str, Any]], path: Path, lang: str = "en") -> None:
    """Rows of orders as CSV (UTF-8 with a mark, as spreadsheets expect)."""
    with staged_file(path) as staging, staging.open("w", encoding="utf-8-sig", errors="replace", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow([c[1 if lang == "zh" else 0] for c in COLUMNS.values()])
        for row in rows:
            writer.writerow([safe_cell(row[key]) for key in COLUMNS])


def write_xlsx(rows: Sequence[dict[str, Any]], path: Path, lang: str = "en") -> None:
    """Rows of orders as a workbook, with room for who takes each and how it ended."""
    import xlsxwriter

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with staged_file(path) as staging, xlsxwriter.Workbook(str(staging), options) as book:
        sheet = book.add_worksheet("要求" if lang == "zh" else "orders")
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        wrap = book.add_format({"text_wrap": True, "valign": "top"})
        for k, column in enumerate(COLUMNS.values()):
            sheet.set_column(k, k, column[2], wrap)
            sheet.write_string(0, k, column[1 if lang == "zh" else 0], bold)
        for at, row in enumerate(rows, 1):
            for k, key in enumerate(COLUMNS):
                value = row[key]
                if isinstance(value, int):
                    sheet.write_number(at, k, value, wrap)
                else:
                    sheet.write_string(at, k, _legal(safe_cell(value))[:32_767], wrap)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(1, len(rows)), len(COLUMNS) - 1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)


def _legal(text: str) -> str:
    """Text without characters that XML forbids."""
    return "".join(
        c for c in text if (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff") or c in "\t\n"
    )

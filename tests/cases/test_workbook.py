"""A workbook as people make it: Chinese sheets and headers, numeric codes, real date and time cells, blank rows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import pytest

import clearway as cw

SHEETS: dict[str, list[tuple[object, ...]]] = {
    "设置": [
        ("键", "值"),
        ("name", "我的网络"),
        ("timezone", "Asia/Shanghai"),
        ("start", dt.datetime(2022, 11, 10)),
        ("days", 2),
        ("slot_hours", 2),
        ("costs.sort", 0.13),
        ("policy.hold_at_sender", True),
    ],
    "类别": [("name", "time_value", "undelivered_penalty"), ("standard", 0.02, 20)],
    "地区": [("代码", "名称"), (513401, "西昌市"), (513431, "昭觉县")],
    "设施": [
        ("编号", "名称", "类型", "地区代码", "每小时分拣量", "每小时投递量", "开门时间", "关门时间"),
        (1, "西昌分拨中心", "分拨中心", 513401, 3000, 1500, None, None),
        (2, "昭觉揽投部", "揽投部", 513431, 400, 200, dt.time(7, 0), dt.time(22, 30)),
    ],
    "线路": [
        ("编号", "起点", "讫点", "方式", "时长", "成本", "班次", "单班能力"),
        ("XC-ZJ", 1, 2, "公路", 3, 0.3, "06:00 14:00", 1200),
        ("ZJ-XC", 2, 1, "公路", 3, 0.3, dt.time(10, 0), 1200),
    ],
    "需求": [("起点", "讫点", "类别", "日期", "件数"), (1, 2, "standard", dt.date(2022, 11, 10), 2100)],
    "需求-2": [
        ("起点", "讫点", "类别", "日期", "件数"),
        (2, 1, "standard", dt.datetime(2022, 11, 11), 600),
        (None,) * 5,
    ],
    "中断": [
        ("编号", "类别", "对象类型", "对象", "开始", "结束"),
        ("a", "关闭", "设施", 2, dt.datetime(2022, 11, 10, 12, 0), dt.datetime(2022, 11, 10, 18, 0)),
    ],
}


def workbook(path: Path, sheets: dict[str, list[tuple[object, ...]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_workbook_made_by_hand(tmp_path: Path) -> None:
    """Codes become text, cells of dates and times are understood, numbered sheets go on."""
    case = cw.Case.read(workbook(tmp_path / "net.xlsx", SHEETS))
    assert case.facilities.select("id", "place", "opens", "closes").rows()[1] == ("2", "513431", "07:00", "22:30")
    assert case.lanes["departures"].to_list() == ["06:00 14:00", "10:00"]
    assert case.demand["parcels"].to_list() == [2100.0, 600.0]
    assert case.disruptions.select("kind", "target", "start").row(0) == ("closed", "2", dt.datetime(2022, 11, 10, 12))
    assert cw.plan(case).summary()["gap_reached"]


def test_faults_of_a_workbook_name_the_sheet(tmp_path: Path) -> None:
    """File, sheet, row and column, and a sheet that is no table."""
    sheets = {
        **SHEETS,
        "线路": [SHEETS["线路"][0], ("L", 1, 9, "公路", -3, 0.3, "06:00", 100)],
        "设施表": [("a",)],
        "备注": [("x",)],
    }
    with pytest.raises(cw.InputError) as caught:
        cw.Case.read(workbook(tmp_path / "net.xlsx", sheets))
    found = {(f.code, f.file, f.row, f.column) for f in caught.value.faults}
    assert ("below", "net.xlsx[lanes]", 2, "hours") in found
    assert ("unknown_id", "net.xlsx[lanes]", 2, "destination") in found
    assert any(code == "unknown_file" and "设施表" in file for code, file, _, _ in found)

"""Tables taken in: what is right is kept once, what is wrong is told, what is about people is gone."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from clearway.core.errors import ClearwayError, InputError
from clearway.records import Lake, Report, record_types, write_template

from .conftest import NOW, codes, lake_bytes

Take = Callable[..., Report]
HEAD = "facility,day,accepted,processed\n"


def test_rows_are_typed_and_kept(lake: Lake, take: Take) -> None:
    """Numbers, days in several writings, yes and no in both languages."""
    report = take(
        '单位,日期,收寄量,是否营业\n330100,2022-11-18,"1,200",是\n330100,2022/11/9,5,no\n330100,2022年11月7日,6,1\n'
    )
    assert report.accepted == 3 and not report.faults
    frame = lake.read("daily_volume")
    assert frame["day"].to_list() == [date(2022, 11, 7), date(2022, 11, 9), date(2022, 11, 18)]
    assert frame["accepted"].to_list() == [6, 5, 1200] and frame["operating"].to_list() == [True, False, True]


def test_repeats_are_harmless(lake: Lake, take: Take) -> None:
    """The same file again, and the same row twice in a file."""
    text = HEAD + "330100,2022-11-18,10,9\n330100,2022-11-18,10,9\n330200,2022-11-18,5,4\n"
    first = take(text)
    assert (first.accepted, first.repeated) == (2, 1)
    again = take(text, received=datetime(2022, 12, 2))
    assert (again.accepted, again.repeated, again.refused) == (0, 3, 0)
    assert len(lake.history("daily_volume")) == 2 and lake.verify().clean


def test_a_correction_supersedes_and_keeps(lake: Lake, take: Take) -> None:
    """The later return is current; the earlier is seen as of its time; a re-sent original changes nothing."""
    take(HEAD + "330100,2022-11-18,10,9\n", received=datetime(2022, 11, 19, 8))
    report = take(HEAD + "330100,2022-11-18,12,9\n", received=datetime(2022, 11, 20, 8))
    assert (report.accepted, report.superseded) == (1, 1)
    assert lake.read("daily_volume")["accepted"].to_list() == [12]
    assert lake.as_of("2022-11-19 12:00").read("daily_volume")["accepted"].to_list() == [10]
    assert not len(lake.as_of("2022-11-18 12:00").read("daily_volume"))
    assert take(HEAD + "330100,2022-11-18,10,9\n", received=datetime(2022, 11, 21)).repeated == 1
    assert lake.read("daily_volume")["accepted"].to_list() == [12] and lake.verify().clean


def test_stated_times_order_versions(lake: Lake, take: Take) -> None:
    """With known_from the order of arrival does not matter, within a file or between files."""
    head = HEAD.strip() + ",known_from\n"
    take(head + "330100,2022-11-18,30,9,2022-11-21\n330100,2022-11-18,10,9,2022-11-19\n")
    take(head + "330100,2022-11-18,20,9,2022-11-20\n", received=datetime(2022, 12, 2))
    assert lake.read("daily_volume")["accepted"].to_list() == [30]
    for day, value in ((19, 10), (20, 20), (21, 30)):
        assert lake.as_of(f"2022-11-{day} 01:00").read("daily_volume")["accepted"].to_list() == [value]
    assert lake.verify().clean


def test_one_key_with_different_contents(lake: Lake, take: Take) -> None:
    """In one file neither row is known to be right; an event that changes silently is refused."""
    report = take(HEAD + "330100,2022-11-18,10,9\n330100,2022-11-18,11,9\n330200,2022-11-18,1,1\n")
    assert (report.accepted, report.refused) == (1, 2) and codes(report) == {"key_conflict"}
    scans = "event_id,item_id,step,facility,time\ne1,SF1,accepted,330100,2022-11-18 08:00\n"
    assert take(scans, "scan.csv").accepted == 1
    changed = take(scans.replace("accepted", "arrived"), "scan.csv", received=datetime(2022, 12, 2))
    assert changed.refused == 1 and codes(changed) == {"event_conflict"}
    assert lake.read("scan")["step"].to_list() == ["accepted"]


def test_records_go_to_their_own_day(lake: Lake, take: Take) -> None:
    """Late and out of order; the folder of a day holds that day's."""
    take(HEAD + "330100,2022-11-30,3,3\n330100,2022-02-01,1,1\n")
    folders = sorted(p.name for p in (lake.folder / "data/daily_volume").iterdir())
    assert folders == ["date=2022-02-01", "date=2022-11-30"]
    assert len(lake.read("daily_volume", "2022-02-01", "2022-02-28")) == 1
    assert lake.table("daily_volume", "2022-11-01").count().execute() == 1
    assert len(lake.relation("daily_volume", None, "2022-11-01").fetchall()) == 1


BAD_CELLS = [
    ("330100,2022-11-18,-5,1", "below"), ("330100,2022-11-18,many,1", "not_number"),
    ("330100,2022-11-18,1.5,1", "not_whole"), ("330100,44883,1,1", "serial_date"),
    ("330100,11/12/2022,1,1", "not_date"), ("330100,2022-11-31,1,1", "not_date"),
    ("330100,2023-11-18,1,1", "future"), (",2022-11-18,1,1", "required"), ("合计,2022-11-18,1,1", "totals_row"),
    ("=cmd|'/c calc'!A1,2022-11-18,1,1", "formula_cell"), ("@SUM(A1),2022-11-18,1,1", "formula_cell"),
    ("330100,2022-11-18,=1+1,1", "formula_cell"), ("330100,2022-11-18,1e400,1", "not_number"),
    ("330100,2022-11-18,1,1,9", "ragged"), ("330100,2022-11-18,nan,1", "not_number"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "code"), BAD_CELLS)
def test_a_bad_cell_is_told_and_the_rest_kept(lake: Lake, take: Take, row: str, code: str) -> None:
    """Each fault names its row; the good row beside it is kept; exit figures add up."""
    report = take(HEAD + "330200,2022-11-18,1,1\n" + row + "\n")
    assert report.accepted == 1 and report.refused == 1 and code in codes(report), report.faults
    assert {f.row for f in report.faults} == {3}
    if code != "ragged":
        assert report.rejected and "rejected_because" in report.rejected[0].read_text(encoding="utf-8-sig")


def test_refused_rows_can_be_mended_and_sent_again(lake: Lake, take: Take) -> None:
    """The file of refused rows has the shape of the input."""
    report = take(HEAD + "330100,2022-11-18,-5,1\n")
    text = report.rejected[0].read_text(encoding="utf-8-sig").replace("-5", "5")
    assert take(text, "again.csv").accepted == 1
    assert lake.read("daily_volume")["accepted"].to_list() == [5]


@pytest.mark.parametrize(
    ("header", "code"),
    [("facility,day,acepted", "unknown_column"), ("facility,accepted", "missing_column"),
     ("facility,day,day", "repeated_column"), ("facility,day,单位", "repeated_column")],
)  # fmt: skip
def test_wrong_columns(take: Take, header: str, code: str) -> None:
    """The nearest name is told, and every row counts as refused."""
    report = take(f"{header}\n330100,2022-11-18,1\n330100,2022-11-18,1\n", type="daily_volume")
    assert code in codes(report) and report.refused, report
    if code == "unknown_column":
        assert "'accepted'" in report.faults[0].text()


def test_types_are_told_by_name_or_columns(lake: Lake, take: Take) -> None:
    """By the file's name, by its columns, or asked for with what it is like."""
    assert take("facility,day,kind\n330100,2022-11-18,special\n", "exercise.csv").types.keys() == {"drill"}
    report = take("a,b\n1,2\n", "x.csv")
    assert codes(report) == {"no_type"} and report.refused == 1
    with pytest.raises(InputError, match="daily_volume"):
        take("a\n1\n", "x.csv", type="daily_volum")


ENCODINGS = ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings(lake: Lake, take: Take, encoding: str) -> None:
    """What spreadsheets write in China, packed or not."""
    text = "单位,日期,收寄量\n杭州一站,2022-11-18,7\n"
    assert take(text.encode(encoding), "日业务量.csv").accepted == 1
    assert take(gzip.compress(text.encode(encoding)), "日业务量.csv.gz", received=datetime(2022, 12, 2)).repeated == 1
    assert lake.read("daily_volume")["facility"].to_list() == ["杭州一站"]


def test_mixed_encodings(lake: Lake, take: Take) -> None:
    """A line in another encoding is a fault of its row."""
    good = "facility,day,accepted\n一站,2022-11-18,7\n"
    report = take(good.encode() + "二站,2022-11-18,8\n".encode("gbk"))
    assert report.accepted == 1 and codes(report) == {"mixed_encoding"} and report.faults[0].row == 3


PEOPLE = {
    "收件人姓名": "张三丰李", "sender_name": "Zhang Weimin", "手机号": "13812345678", "id_card": "11010519491231002X",
    "Recipient Address": "中山路88号", "健康码": "红码", "核酸检测结果": "阳性XYZ", "内件品名": "身份证原件",
    "driverName": "Wang Wu-Li", "疫苗接种情况": "三针未打",
}  # fmt: skip


def test_nothing_about_people_is_written(lake: Lake, take: Take, tmp_path: Path) -> None:
    """Columns about people are dropped; no byte of them is in the lake: data, raw, refused rows, receipts."""
    frame = pl.DataFrame({"facility": ["330100", "330200", "合计"], "day": ["2022-11-18", "nonsense", "2022-11-18"],
                          "accepted": [1, -2, 3], **{k: [v] * 3 for k, v in PEOPLE.items()}})  # fmt: skip
    report = take(frame.write_csv())
    assert report.accepted == 1 and report.refused == 2
    assert {w.column for w in report.warnings} == set(PEOPLE)
    path = tmp_path / "daily_volume.parquet"
    frame.with_columns(pl.lit(5).alias("processed")).write_parquet(path)
    assert lake.ingest([path], received=datetime(2022, 12, 2)).accepted == 1
    book = io.BytesIO()
    frame.write_excel(book, worksheet="daily_volume")
    assert take(book.getvalue(), "w.xlsx", received=datetime(2022, 12, 3)).refused == 2
    everything = lake_bytes(lake)
    told = json.dumps(report.to_dict(), ensure_ascii=False).encode()
    for value in PEOPLE.values():
        assert value.encode() not in everything and value.encode() not in told, value


def test_numbers_of_persons_in_free_text_are_masked(lake: Lake, take: Take) -> None:
    """An identity or mobile number in a text is blotted out, in the record and in the raw copy; item numbers stay."""
    text = "facility,start,reason,source\n330100,2022-11-18 08:00,确诊 11010519491231002X 电话 139-1234-5678,电 13812340000\n"
    assert take(text, "closure.csv").accepted == 1
    scans = (
        "event_id,item_id,step,facility,time,container\ne1,13812345678,accepted,330100,2022-11-18 08:00,13912345678\n"
    )
    assert take(scans, "scan.csv").accepted == 1
    everything = lake_bytes(lake)
    assert b"11010519491231002X" not in everything and b"139-1234-5678" not in everything
    assert b"13812340000" not in everything
    assert lake.read("scan")["item_id"].to_list() == ["13812345678"]


def test_persons_are_kept_under_pseudonyms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A type that declares a person needs a key; the same number gives the same pseudonym, never the number."""
    lake = Lake.open(tmp_path / "lake")
    columns = "type,family,field,kind,key,subject,unit_of_record,time_of_record,required,meaning\n"
    rows = ["driving,return,facility,unit,key,,unit,,required,", "driving,return,day,date,key,,,time,required,",
            "driving,return,driver,person,key,,,,required,", "driving,return,hours,h,,,,,,"]  # fmt: skip
    (lake.folder / "types/own.csv").write_text(columns + "\n".join(rows) + "\n")
    path = tmp_path / "driving.csv"
    path.write_text("facility,day,driver,hours\n330100,2022-11-18,D-4711-SECRET,9\n330100,2022-11-19,D-4711-SECRET,8\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CLEARWAY_PSEUDONYM_KEY", raising=False)
    with pytest.raises(ClearwayError, match="CLEARWAY_PSEUDONYM_KEY"):
        lake.ingest([path], received=NOW)
    inside = lake.folder / "key"
    inside.write_text("k")
    inside.chmod(0o600)
    monkeypatch.setenv("CLEARWAY_PSEUDONYM_KEY_FILE", str(inside))
    with pytest.raises(ClearwayError, match="lies in the lake"):
        lake.ingest([path], received=NOW)
    outside = tmp_path / "key"
    outside.write_text("k")
    outside.chmod(0o644)
    monkeypatch.setenv("CLEARWAY_PSEUDONYM_KEY_FILE", str(outside))
    with pytest.raises(ClearwayError, match="chmod 600"):
        lake.ingest([path], received=NOW)
    outside.chmod(0o600)
    assert lake.ingest([path], received=NOW).accepted == 2
    drivers = lake.read("driving")["driver"]
    assert drivers.n_unique() == 1 and len(drivers[0]) == 32 and b"D-4711-SECRET" not in lake_bytes(lake)


def test_nil_returns(lake: Lake, take: Take) -> None:
    """A row that says there is nothing to report is a record of its own."""
    report = take(
        "hazard_id,facility,category,level,found,零报告\n,330100,,,2022-11-18,是\nh1,330200,fire,major,2022-11-18 09:00,\n",
        "hazard.csv",
    )
    assert report.accepted == 2 and not report.faults
    assert lake.read("nil_return").rows() == [("hazard", "330100", date(2022, 11, 18))]
    assert take("facility,start,end,reason,nil\n330100,,,,maybe\n", "closure.csv").refused == 1


def test_a_filled_template_comes_back(lake: Lake, take: Take, tmp_path: Path) -> None:
    """Every type's workbook, in both languages, is read back as its type."""
    for rtype in record_types().values():
        for lang in ("zh", "en"):
            path = tmp_path / f"t-{lang}.xlsx"
            write_template(rtype, path, lang)
            book = openpyxl.load_workbook(path)
            sheet = book[rtype.name]
            assert len(sheet[1]) == len(rtype.fields) + (rtype.family == "return")
            for column, f in enumerate(rtype.fields, 1):
                sheet.cell(2, column, _example(f, lang))
            book.save(path)
            # the second language is the same record again
            report = lake.ingest([path], received=NOW, type=None)
            assert not report.faults and report.accepted + report.repeated == 1, (
                rtype.name,
                [f.text() for f in report.faults],
            )
            assert report.types.keys() == {rtype.name}


def _example(f: object, lang: str) -> object:
    from clearway.records.declared import AMOUNTS, COUNTS, Field
    from clearway.records.texts import choice_label

    assert isinstance(f, Field)
    if f.kind == "choice":
        return choice_label(f.choices[0], f.name) if lang == "zh" else f.choices[0]
    if f.kind in COUNTS | AMOUNTS:
        return 3
    kinds = {
        "date": date(2022, 11, 18), "timestamp": datetime(2022, 11, 18, 8, 30), "month": "2022-11", "year": 2022,
        "yes/no": "是" if lang == "zh" else "yes", "USCC": "91110000600037341L", "place": "330100", "place or unit": "330100",
    }  # fmt: skip
    return kinds.get(f.kind, "u1")


def test_workbooks_with_faults(lake: Lake, take: Take) -> None:
    """Merged cells, formulas, totals and dates as text, each at its row; good rows kept; refused ones as a workbook."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "daily_volume"
    for row in (["facility", "day", "accepted"], ["a", date(2022, 11, 18), 1], ["b", "2022-11-18", 2], ["c", 44883, 3],
                ["d", date(2022, 11, 18), "=1+1"], ["合计", date(2022, 11, 18), 9], ["e", date(2022, 11, 18), 4],
                ["f", date(2022, 11, 18), None]):  # fmt: skip
        sheet.append(row)
    sheet.merge_cells("C7:C8")
    stream = io.BytesIO()
    book.save(stream)
    report = take(stream.getvalue(), "r.xlsx")
    assert report.accepted == 2 and report.refused == 5
    assert codes(report) == {"serial_date", "formula_cell", "totals_row", "merged_cells"}
    written = openpyxl.load_workbook(report.rejected[0])
    assert len(list(written["daily_volume"].rows)) == 6


def test_zip_bombs_and_broken_files(lake: Lake, take: Take) -> None:
    """Each is a fault of its file; none stops the others."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (600 << 20))
    assert codes(take(stream.getvalue(), "bomb.xlsx")) == {"zip_bomb"}
    buffer = io.BytesIO()
    pl.DataFrame({"facility": ["a"], "day": [date(2022, 11, 18)]}).write_parquet(buffer)
    assert codes(take(buffer.getvalue()[:-20], "daily_volume.parquet")) == {"unreadable"}
    assert codes(take(b"PK\x03\x04nonsense", "x.xlsx")) == {"unreadable"}
    assert codes(take(b"\x1f\x8bnonsense", "x.csv.gz")) <= {"unreadable", "unknown_input"}
    assert codes(take(b"\x00\x01\x02", "x.bin")) == {"unknown_input"}
    assert not take(b"", "empty.csv").accepted
    report = lake.ingest(["nowhere.csv"], received=NOW)
    assert codes(report) == {"missing_input"} and lake.verify().clean


def test_origins_are_kept_apart(lake: Lake, take: Take) -> None:
    """Simulated records may lie in the future and are read by themselves."""
    assert take(HEAD + "330100,2030-01-01,5,5\n", origin="simulated").accepted == 1
    assert take(HEAD + "330100,2022-01-01,5,5\n").accepted == 1
    assert lake.origins() == {"simulated", "observed"} and len(lake.read("daily_volume", origin="simulated")) == 1
    report = take(HEAD.strip() + ",origin_of_batch\n330100,2022-01-02,5,5,simulated\n")
    assert codes(report) == {"origin_differs"}
    with pytest.raises(ClearwayError, match="observed, simulated, generated"):
        take(HEAD, origin="dreamt")


def test_a_folder_that_is_no_lake(tmp_path: Path) -> None:
    """Nothing is written into a folder with other files."""
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ClearwayError, match="holds other files"):
        Lake.open(tmp_path)
    with pytest.raises(ClearwayError, match="is no lake"):
        Lake.open(tmp_path / "none", create=False)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]

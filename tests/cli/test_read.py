"""The command read as a user types it: files, lists, exit codes, hostile pages."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from tests.cli.test_commands import CLEARWAY, run
from tests.conftest import ROOT
from tests.notices.test_opening import BAD

HOSTILE = """<html><head><title>x</title></head><body><h1>=HYPERLINK("http://evil.example","清溪市邮政管理局部署工作")</h1>
<p>清溪市邮政管理局要求，=1+1|cmd 各企业要落实&lt;script&gt;alert(1)&lt;/script&gt;“=SUM(A1)”要求，加强管理。</p></body></html>"""


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copy(ROOT / "samples" / "season.txt", folder)
    (folder / "nothing.txt").write_text(
        "全省快递业务量同比增长9%，行业运行总体平稳，服务民生作用增强。\n", encoding="utf-8"
    )
    return folder


def test_a_folder_is_read_and_written(pages: Path, tmp_path: Path) -> None:
    """Each page gets its clean text and orders; lists and review pages on request; no order is no error."""
    done = run("read", "in", "--out", "out", "--review", "--xlsx", "--csv", cwd=tmp_path)
    assert "8 orders" in done.stdout
    assert "nothing is ordered" in done.stdout
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert names == {
        f"{stem}.{end}" for stem in ("season", "nothing") for end in ("clean.txt", "orders.json", "review.html")
    } | {"orders.xlsx", "orders.csv"}
    clean = (tmp_path / "out" / "season.clean.txt").read_text(encoding="utf-8")
    assert clean == (ROOT / "samples" / "season.clean.txt").read_text(encoding="utf-8")
    document = json.loads((tmp_path / "out" / "season.orders.json").read_text(encoding="utf-8"))
    assert all(order["text"] in clean for order in document["orders"])
    sheet = openpyxl.load_workbook(tmp_path / "out" / "orders.xlsx").active
    assert sheet is not None
    assert sheet.max_row == 1 + 8
    with (tmp_path / "out" / "orders.csv").open(encoding="utf-8-sig", newline="") as handle:
        assert len(list(csv.DictReader(handle))) == 8
    # what was written is not taken for input
    run("read", "in", "--out", "in/out", "--review", "--quiet", cwd=tmp_path)
    again = json.loads(run("read", "in", "--json", cwd=tmp_path).stdout)
    assert [n["id"] for n in again["notices"]] == ["nothing", "season"]


def test_one_document_with_everything(pages: Path, tmp_path: Path) -> None:
    """--json prints one document, and nothing beside it."""
    document = json.loads(run("read", "in/*.txt", "--json", cwd=tmp_path).stdout)
    assert [n["id"] for n in document["notices"]] == ["nothing", "season"]
    assert document["failed"] == []
    season = document["notices"][1]
    assert season["clean"].startswith(season["title"])
    assert {"start", "end", "before", "after", "kind", "sure"} == set(season["repairs"][0])


def test_bad_pages_are_listed_and_the_others_written(pages: Path, tmp_path: Path) -> None:
    """Every page that cannot be read is named with its reason; the others are read; exit code 2."""
    bad = {name: data for name, (data, _) in BAD.items() if len(data) < 1 << 20}
    for name, data in bad.items():
        (tmp_path / "in" / name).write_bytes(data)
    done = run(
        "read", *(f"in/{name}" for name in bad), "in/season.txt", "missing.txt", "--out", "out", cwd=tmp_path, code=2
    )
    for name in [*bad, "missing.txt"]:
        assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out" / "season.clean.txt").is_file()
    chinese = run("read", "in/scan.pdf", cwd=tmp_path, code=2, lang="zh_CN.UTF-8")
    assert "没有文字层" in chinese.stderr
    failed = json.loads(run("read", "in/scan.pdf", "in/season.txt", "--json", cwd=tmp_path, code=2).stdout)["failed"]
    assert [f["code"] for f in failed] == ["no_text_layer"]


def test_two_pages_of_one_name_do_not_overwrite_each_other(pages: Path, tmp_path: Path) -> None:
    """The second of two inputs with one name is refused, and said so."""
    (tmp_path / "in" / "deeper").mkdir()
    shutil.copy(tmp_path / "in" / "season.txt", tmp_path / "in" / "deeper")
    done = run("read", "in", "--out", "out", cwd=tmp_path, code=2)
    assert "same name" in done.stderr
    assert (tmp_path / "out" / "season.clean.txt").is_file()


def test_a_hostile_page_does_no_harm(tmp_path: Path) -> None:
    """Markup is escaped, cells that start a formula are neutralised."""
    (tmp_path / "evil.html").write_text(HOSTILE, encoding="utf-8")
    run("read", "evil.html", "--out", "out", "--review", "--xlsx", "--csv", cwd=tmp_path)
    page = (tmp_path / "out" / "evil.review.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    with (tmp_path / "out" / "orders.csv").open(encoding="utf-8-sig", newline="") as handle:
        cells = [cell for row in csv.reader(handle) for cell in row]
    assert any(cell.startswith("'=") for cell in cells)
    sheet = openpyxl.load_workbook(tmp_path / "out" / "orders.xlsx").active
    assert sheet is not None
    cells += [str(c.value or "") for row in sheet.iter_rows() for c in row]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    assert all(c.data_type != "f" for row in sheet.iter_rows() for c in row)


def test_two_editions_are_compared(tmp_path: Path) -> None:
    """--diff tells new, changed and gone orders."""
    head = "近日，清溪市邮政管理局召开会议。会议要求，"
    (tmp_path / "a.txt").write_text(head + "一是各网点7月底前完成整改。二是开展应急演练。", encoding="utf-8")
    (tmp_path / "b.txt").write_text(head + "一是各网点8月底前完成整改。二是做好信息报送工作。", encoding="utf-8")
    told = run("read", "--diff", "a.txt", "b.txt", cwd=tmp_path).stdout
    assert "~ changed 1 (text, deadline)" in told
    assert "+ new 2" in told
    assert "- gone 2" in told
    changes = json.loads(run("read", "--diff", "a.txt", "b.txt", "--json", cwd=tmp_path).stdout)["changes"]
    assert sorted(c["kind"] for c in changes) == ["changed", "gone", "new"]
    run("read", "--diff", "a.txt", cwd=tmp_path, code=2)


def test_words_can_be_added(tmp_path: Path) -> None:
    """--lexicon adds words; its faults are listed."""
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "page.toml").write_text('spam_brands = ["某某乐园"]\n', encoding="utf-8")
    (tmp_path / "a.txt").write_text("清溪市邮政管理局要求，各企业要加强某某乐园官网管理。", encoding="utf-8")
    assert "各企业要加强管理" in run("read", "a.txt", "--lexicon", "words", cwd=tmp_path).stdout
    (tmp_path / "words" / "page.toml").write_text('spam_brand = ["x"]\n', encoding="utf-8")
    assert "spam_brands" in run("read", "a.txt", "--lexicon", "words", cwd=tmp_path, code=2).stderr
    assert "nope" in run("read", "a.txt", "--classifier", "nope", cwd=tmp_path, code=2).stderr


def test_interrupted_it_keeps_what_it_read(pages: Path, tmp_path: Path) -> None:
    """Ctrl-C ends the reading; what was read is written, and the lists hold it."""
    for k in range(400):
        shutil.copy(pages / "season.txt", pages / f"copy-{k:03}.txt")
    words = [str(CLEARWAY), "read", "in", "--out", "out", "--xlsx", "--csv", "--lang", "en"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(3):
            process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130, err
    written = {p.name.removesuffix(".orders.json") for p in (tmp_path / "out").glob("*.orders.json")}
    assert 3 <= len(written) < 402
    with (tmp_path / "out" / "orders.csv").open(encoding="utf-8-sig", newline="") as handle:
        listed = {row["notice"] for row in csv.DictReader(handle)}
    assert listed <= written
    assert len(listed) >= 2
    assert not list((tmp_path / "out").glob(".staging*"))


def test_no_planner_is_loaded_to_read() -> None:
    """Reading a notice loads neither solver nor compiler, so that the command starts quickly."""
    code = (
        "import sys; from clearway.cli import main; from clearway.notices import standard_reader; standard_reader();"
        "print([m for m in ('numba', 'highspy', 'polars', 'trafilatura', 'docx', 'pypdf') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_sample_is_what_the_generator_writes() -> None:
    """The page in samples/ is the clean text damaged by the generator."""
    from scripts.sample_notice import page

    assert (ROOT / "samples" / "season.txt").read_text(encoding="utf-8") == page()

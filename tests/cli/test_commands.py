"""The commands as a user types them: output, files and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clearway.planning.plans import FILES

CLEARWAY = Path(sys.executable).with_name("clearway")


def run(*words: str, cwd: Path, code: int = 0, lang: str = "en_US.UTF-8") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LANG": lang, "LC_ALL": lang}
    done = subprocess.run([str(CLEARWAY), *words], cwd=cwd, capture_output=True, text=True, env=environment)
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which tiny was planned twice, as it is and with Hangzhou closed."""
    folder = tmp_path_factory.mktemp("plans")
    run("plan", "tiny", "--method", "exact", "--out", "one", cwd=folder)
    run(
        "plan",
        "tiny",
        "--disrupt",
        "closed facility 330100 2022-11-10T08:00 2022-11-11T08:00",
        "--out",
        "two",
        "--json",
        cwd=folder,
    )
    return folder


def test_help_imports_nothing_heavy() -> None:
    """`clearway --help` loads neither NumPy nor Polars nor the solver."""
    code = (
        "import sys, contextlib, io\nfrom clearway.cli.main import app\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): app(['--help'])\n"
        "print(sorted({'numpy', 'polars', 'highspy', 'shapely', 'jinja2'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_plan_writes_its_files(planned: Path) -> None:
    """All files of the format are there, and JSON is nothing but JSON."""
    further = {"changes.parquet", "usual.parquet", "stock.parquet", "ordered.parquet"}  # with --usual, of a replan
    assert {p.name for p in (planned / "one").iterdir()} == set(FILES) - further
    done = run("plan", "tiny", "--json", "--out", "three", "--no-report", "--no-flows", cwd=planned)
    facts = json.loads(done.stdout)
    assert facts["gap_reached"] and facts["method"] == "exact"
    assert {p.name for p in (planned / "three").iterdir()} == {
        "summary.json",
        "rows.parquet",
        "instructions.csv",
        "sortplan.parquet",
        "calls.parquet",
    }
    assert "with --flows" in run("plan", "--check", "three", cwd=planned, code=2).stderr


def test_check(planned: Path) -> None:
    """A written plan is recounted from its files, the derived one too."""
    for name in ("one", "two"):
        facts = json.loads(run("plan", "--check", name, "--json", cwd=planned).stdout)
        assert facts["agrees"]
        assert max(facts["violations"].values()) <= 1e-6


def test_explain_and_diff(planned: Path) -> None:
    """Words in both languages, and the closure that took the capacity."""
    text = run("explain", "two", "--facility", "330100", cwd=planned).stdout
    assert "closed facility 330100" in text and "What it would take" in text
    assert "如何改善" in run("explain", "two", "--facility", "330100", cwd=planned, lang="zh_CN.UTF-8").stdout
    assert "→ 420100" in run("explain", "one", "--pair", "310100-420100", cwd=planned).stdout
    assert "carries" in run("explain", "one", "--lane", "330100-420100", cwd=planned).stdout
    assert "delivered" in run("explain", "one", "--class", "standard", cwd=planned).stdout
    assert "did you mean '330100'" in run("explain", "one", "--facility", "33010", cwd=planned, code=2).stderr
    facts = json.loads(run("diff", "one", "two", "--json", cwd=planned).stdout)
    assert facts["objective"]["change"] > 0 and not facts["same_case"]


def test_strict(planned: Path) -> None:
    """Under --strict a gap that is not reached is a no."""
    run("plan", "tiny", "--time-limit", "0", "--strict", "--out", "late", cwd=planned, code=1)
    assert json.loads((planned / "late" / "summary.json").read_text(encoding="utf-8"))["gap_reached"] is False


def test_validate_lists_faults(tmp_path: Path) -> None:
    """Exit 2, every fault on standard error, in Chinese where the environment says so; JSON and CSV on request."""
    run("init", "net", cwd=tmp_path)
    run("validate", "net", cwd=tmp_path)
    lanes = tmp_path / "net" / "lanes.csv"
    lanes.write_text(
        lanes.read_text(encoding="utf-8").replace("310100-320100,310100", "310100-320100,310110", 1), encoding="utf-8"
    )
    assert "lanes.csv, row 2, column origin: '310110'" in run("validate", "net", cwd=tmp_path, code=2).stderr
    assert "第" not in run("validate", "net", cwd=tmp_path, code=2).stderr
    assert "没有此编号" in run("validate", "net", cwd=tmp_path, code=2, lang="zh_CN.UTF-8").stderr
    facts = json.loads(run("validate", "net", "--json", "--faults-to", "f.csv", cwd=tmp_path, code=2).stdout)
    assert facts["faults"][0]["row"] == 2 and (tmp_path / "f.csv").exists()
    run("init", "net", cwd=tmp_path, code=2)
    run("plan", "nowhere", cwd=tmp_path, code=2)


def test_info() -> None:
    """The counts of a built-in case."""
    facts = json.loads(run("info", "china-2022/peak", "--json", cwd=Path.cwd()).stdout)
    assert {"facilities", "lanes", "pairs", "classes", "slots"} <= set(facts)


def test_part_of_a_case(tmp_path: Path) -> None:
    """Places, days and slots cut a case to what the exact method carries; the check finds the part again."""
    words = (
        "plan",
        "east",
        "--places",
        "440100,440300,330700",
        "--days",
        "2",
        "--slot-hours",
        "6",
        "--out",
        "p",
        "--no-report",
    )
    run(*words, cwd=tmp_path)
    assert "agrees" in run("plan", "--check", "p", cwd=tmp_path).stdout
    assert "fewer places" in run("plan", "east", "--method", "exact", cwd=tmp_path, code=2).stderr


def test_simulate_and_compare(planned: Path) -> None:
    """Three ways to meet the same disruption, side by side; what does not fit is refused in words."""
    run("simulate", "tiny", "--plan", "one", "--out", "s1", "--events", "0.1", cwd=planned)
    run("simulate", "tiny", "--policy", "reroute", "--plan", "one", "--out", "s2", cwd=planned)
    facts = json.loads(
        run("simulate", "tiny", "--usual", "one", "--runs", "2", "--json", "--out", "s3", cwd=planned).stdout
    )
    assert facts["policy"] == "static" and facts["runs"] == 2
    assert facts["spread"]["cost"] >= 0
    assert {
        "stages_h",
        "share_72h",
        "share_within_promise",
        "overflow_hours",
        "backlog_age_h",
        "parcels",
        "cost",
    } <= set(facts)
    assert {"offered", "delivered", "waiting", "in_transit"} <= set(facts["parcels"])
    assert (planned / "s1" / "events.parquet").exists() and not (planned / "s2" / "events.parquet").exists()
    text = run("compare", "s1", "s2", "s3", cwd=planned).stdout
    assert "overflow_hours" in text and "backlog_age_h" in text
    table = json.loads(run("compare", "s1", "s2", "--json", cwd=planned).stdout)
    assert table["policies"] == ["plan", "reroute"]
    assert "is not a simulation" in run("compare", "one", "s1", cwd=planned, code=2).stderr
    assert "another case" in run("simulate", "east-12", "--plan", "one", cwd=planned, code=2).stderr
    assert "There is no policy" in run("simulate", "tiny", "--policy", "hope", cwd=planned, code=2).stderr


def test_state_replan_rehearse(planned: Path) -> None:
    """Stop at a time, plan anew from there, carry it out; alternate both."""
    noon = "2022-11-11T12:00"
    run("simulate", "tiny", "--plan", "one", "--until", noon, "--state", "state", "-q", cwd=planned)
    closed = "closed facility 330100 2022-11-11T18:00 2022-11-12T06:00"
    done = run(
        "replan", "one", "--at", noon, "--state", "state", "--disrupt", closed, "--out", "anew", "--json", cwd=planned
    )
    facts = json.loads(done.stdout)
    assert facts["case"]["start"] == noon and facts["changes"]["entries"] > 0
    text = run("replan", "one", "--at", noon, "--out", "again", cwd=planned)
    assert "the plan is simulated until" in text.stderr and "sort plan:" in text.stdout
    assert "agrees with the files" in run("plan", "--check", "anew", cwd=planned).stdout
    assert "330100" in run("explain", "anew", "--facility", "330100", cwd=planned).stdout
    run("simulate", "tiny", "--plan", "anew", "--out", "s4", cwd=planned)
    assert "slot boundary inside" in run("replan", "one", "--at", "2022-12-11T12:00", cwd=planned, code=2).stderr
    assert "2022-11-11T13:00" in run("replan", "one", "--at", "2022-11-11T13:00", cwd=planned, code=2).stderr
    assert "not a state" in run("replan", "one", "--at", noon, "--state", "one", cwd=planned, code=2).stderr
    told = json.loads(run("rehearse", "tiny", "--every", "12h", "--json", "--out", "r1", cwd=planned).stdout)
    assert [row["at"][5:] for row in told["replans"]][:3] == ["11-10T00:00", "11-10T12:00", "11-11T00:00"]
    assert (planned / "r1" / "plans" / "2022-11-11T0000" / "instructions.csv").exists()
    assert (planned / "r1" / "report.html").exists()
    assert "hours such as" in run("rehearse", "tiny", "--every", "soon", cwd=planned, code=2).stderr


def test_changes_sheets_and_trial(planned: Path) -> None:
    run("plan", "tiny", "--disrupt", "slow place 340100 2022-11-10 factor=3", "--out", "usual", "-q", cwd=planned)
    text = run(
        "plan", "tiny", "--usual", "usual", "--max-changes", "2", "--try", "1", "--out", "few", cwd=planned
    ).stdout
    assert "2 of " in text and "are not as usual" in text and "tried on the clock" in text
    assert "--usual" in run("plan", "tiny", "--max-changes", "2", cwd=planned, code=2).stderr
    assert "3 files" in run("sheets", "few", "--facility", "340100", "--out", "paper", cwd=planned).stdout
    assert (planned / "paper" / "340100.xlsx").exists()
    assert "no facility 'x'" in run("sheets", "few", "--facility", "x", cwd=planned, code=2).stderr
    run("compare", "s1", "s2", "--plan", "one", "--report", "cmp/page.html", cwd=planned)
    assert "<canvas" not in (planned / "cmp" / "page.html").read_text(encoding="utf-8")
    assert "no candidate" in run("plan", "tiny", "--sites", "all", cwd=planned, code=2).stderr
    assert "without --sites" in run("plan", "tiny", "--sites", "all", "--warm", "one", cwd=planned, code=2).stderr

"""The commands of records as a user types them: ingest, records, lake; exit codes, JSON."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from tests.cli.test_commands import run

UNITS = "id,kind,place,from\n330100,sorting-centre,330100,2022-01-01\n"
VOLUMES = "facility,day,accepted\n330100,2022-11-18,5\n"


def test_ingest_and_status(tmp_path: Path) -> None:
    """Good input exits with 0, refused with 2; the figures are JSON; status says who was silent."""
    (tmp_path / "unit.csv").write_text(UNITS)
    (tmp_path / "daily_volume.csv").write_text(VOLUMES)
    done = run("ingest", "unit.csv", "daily_volume.csv", "--lake", "lake", cwd=tmp_path)
    assert done.returncode == 0 and "2 accepted, 0 repeated" in done.stdout
    told = json.loads(run("ingest", "daily_volume.csv", "--lake", "lake", "--json", cwd=tmp_path).stdout)
    assert (told["accepted"], told["repeated"], told["refused"], told["superseded"], told["faults"]) == (0, 1, 0, 0, [])
    (tmp_path / "daily_volume.csv").write_text(VOLUMES + "330100,2022-11-19,-1\n")
    bad = run("ingest", "daily_volume.csv", "--lake", "lake", "--json", cwd=tmp_path, code=2)
    told = json.loads(bad.stdout)
    assert bad.returncode == 2 and told["refused"] == 1 and told["faults"][0]["row"] == 3
    zh = run("ingest", "daily_volume.csv", "--lake", "lake", "--lang", "zh", cwd=tmp_path, code=2)
    assert "退回 1" in zh.stdout and "过小" in zh.stderr and zh.returncode == 2
    done = run("lake", "status", "--lake", "lake", "--from", "2022-11-18", "--to", "2022-11-19", "--html", "s.html",
               "--xlsx", "s.xlsx", cwd=tmp_path)  # fmt: skip
    assert "330100" in done.stdout and (tmp_path / "s.html").exists() and (tmp_path / "s.xlsx").exists()
    told = json.loads(
        run(
            "lake", "status", "--lake", "lake", "--from", "2022-11-18", "--to", "2022-11-19", "--json", cwd=tmp_path
        ).stdout
    )
    assert {r["type"]: r["silent"] for r in told["types"]}["daily_volume"] == 1


def test_upkeep(tmp_path: Path) -> None:
    """compact, expire, export, verify; a changed byte is an answer no: exit code 1."""
    for number in range(3):
        (tmp_path / f"daily_volume_{number}.csv").write_text(VOLUMES.replace("330100", f"33010{number}"))
        run("ingest", f"daily_volume_{number}.csv", "--lake", "lake", cwd=tmp_path)
    assert "3 -> 1" in run("lake", "compact", "--lake", "lake", cwd=tmp_path).stdout
    assert "nothing" in run("lake", "expire", "--lake", "lake", "--today", "2023-01-01", cwd=tmp_path).stdout
    for suffix in ("csv", "parquet", "xlsx"):
        run(
            "lake",
            "export",
            "--lake",
            "lake",
            "--type",
            "daily_volume",
            "--out",
            f"daily_volume.{suffix}",
            cwd=tmp_path,
        )
        told = json.loads(run("ingest", f"daily_volume.{suffix}", "--lake", "lake", "--json", cwd=tmp_path).stdout)
        assert told["repeated"] == 3
    assert "clean" in run("lake", "verify", "--lake", "lake", cwd=tmp_path).stdout
    path = next((tmp_path / "lake/data").rglob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    bad = run("lake", "verify", "--lake", "lake", cwd=tmp_path, code=1)
    assert bad.returncode == 1 and "bytes are not those" in bad.stderr
    for wrong in (("export", "--type", "drillx", "--out", "x.csv"), ("export", "--type", "drill", "--out", "x.doc"),
                  ("expire", "--today", "soon"), ("status", "--from", "18.11.")):  # fmt: skip
        bad = run("lake", wrong[0], "--lake", "lake", *wrong[1:], cwd=tmp_path, code=2)
        assert bad.returncode == 2 and "Traceback" not in bad.stderr, wrong
    assert run("lake", "status", "--lake", "nowhere", cwd=tmp_path, code=2).returncode == 2


def test_records(tmp_path: Path) -> None:
    """Types are listed with their fields; a template is written; a misspelt type is told the nearest."""
    assert "daily_volume" in run("records", "types", cwd=tmp_path).stdout
    told = json.loads(run("records", "types", "scan", "--json", cwd=tmp_path).stdout)
    assert told[0]["key"] == ["event_id"] and {f["name"] for f in told[0]["fields"]} >= {"item_id", "step"}
    run("records", "template", "hazard", "--out", "h.xlsx", "--lang", "zh", cwd=tmp_path)
    assert pl.read_excel(tmp_path / "h.xlsx", sheet_name="hazard").columns[0] == "隐患编号*"
    bad = run("records", "template", "hasard", cwd=tmp_path, code=2)
    assert bad.returncode == 2 and "'hazard'" in bad.stderr


def test_simulated_events_are_taken_in(tmp_path: Path) -> None:
    """What a simulation writes is what operations write: the same lake, another origin."""
    run(
        "simulate",
        "china-2022/tiny",
        "--policy",
        "static",
        "--days",
        "2",
        "--events",
        "0.02",
        "--out",
        "sim",
        cwd=tmp_path,
    )
    told = json.loads(run("ingest", "sim/events.parquet", "--lake", "lake", "--type", "scan", "--origin", "simulated",
                          "--json", cwd=tmp_path).stdout)  # fmt: skip
    assert told["accepted"] > 100 and told["refused"] == 0
    bad = run("ingest", "sim/events.parquet", "--lake", "lake", "--type", "scan", cwd=tmp_path, code=2)
    assert bad.returncode == 2 and "origin" in bad.stderr

"""Work in local processes: results in order, errors where they are asked for, no second run of the caller's script."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from clearway.core.errors import ClearwayError
from clearway.scale import Processes


def test_results_come_back() -> None:
    """More calls than processes, each with its own answer."""
    with Processes("math:gcd", 2) as pool:
        futures = [pool.submit(12 * n, 18) for n in range(1, 20)]
        assert [f.result() for f in futures] == [__import__("math").gcd(12 * n, 18) for n in range(1, 20)]


def test_errors_come_back() -> None:
    """An error of the function is raised by its future; the process goes on; one that dies is told."""
    with Processes("math:sqrt", 1) as pool:
        with pytest.raises(ValueError):
            pool.submit(-1).result()
        assert pool.submit(9).result() == 3
    with Processes("os:_exit", 1) as pool, pytest.raises(ClearwayError, match="ended early"):
        pool.submit(3).result()


def test_a_script_without_guard(tmp_path: Path) -> None:
    """A script that takes in a large document at its top level runs once."""
    script = tmp_path / "script.py"
    script.write_text(
        "from clearway.scale import Processes\nprint('once')\n"
        "with Processes('math:sqrt', 2) as pool:\n    print(pool.submit(16.0).result())\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert done.stdout == "once\n4.0\n"


def test_a_large_document_is_read_in_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same records, whether one process reads or several; what stands before a break is kept."""
    from clearway.records import Lake
    from clearway.records.epcis import taking
    from tests.records.test_epcis import EVENT, document

    events = [{**EVENT, "epcList": [f"urn:clearway:item:X{i}"]} for i in range(300)]
    path = tmp_path / "many.jsonld"
    path.write_text(document(*events))
    alone = Lake.open(tmp_path / "alone")
    alone.ingest([path])
    monkeypatch.setattr(taking, "_ALONE", 0)
    monkeypatch.setattr(taking, "_TEXTS", 7)
    together = Lake.open(tmp_path / "together")
    assert together.ingest([path]).accepted == 300
    assert together.read("scan").equals(alone.read("scan")) and together.verify().clean
    path.write_text(path.read_text()[: path.read_text().index("X250")])
    report = Lake.open(tmp_path / "cut").ingest([path])
    assert report.accepted == 250 and report.refused == 1

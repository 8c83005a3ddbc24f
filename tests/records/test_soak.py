"""kill -9 in the middle of anything: what was reported is there, once; nothing is half; the lake is clean.

Long rounds run with make soak.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest

from clearway.records import Lake

SHARE = os.environ.get("CLEARWAY_SOAK_SHARE")
ROUNDS = 10 if SHARE == "small" else 200
DAYS, EACH = 6, 400
# one process does it all over and over, so that a kill meets work and not the start of Python
WORK = """
import json, sys
from contextlib import suppress
from pathlib import Path
from datetime import date
from clearway.records import Lake
folder, files, first = Path(sys.argv[1]), sys.argv[3:], int(sys.argv[2])
lake = Lake.open(folder)
print("ready", flush=True)
for name in files[first:]:
    report = lake.ingest([name])
    print(json.dumps({"file": name, "accepted": report.accepted, "repeated": report.repeated}), flush=True)
    if report.accepted:
        lake.compact()
lake.expire(date(2022, 12, 1))
print("done", flush=True)
"""


def _file(folder: Path, number: int) -> Path:
    path = folder / f"scan_{number}.csv"
    lines = ["event_id,item_id,step,facility,time"]
    lines += [f"e{number}-{i},SF{i},arrived,330100,2022-11-{1 + i % DAYS:02d} 08:{i % 60:02d}" for i in range(EACH)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.soak
def test_kill_at_random_points(tmp_path: Path) -> None:
    """Ingest, compaction and expiry killed at random moments, over and over, on one lake."""
    draw = random.Random(6)
    files = [str(_file(tmp_path, n)) for n in range(12)]
    folder = tmp_path / "lake"
    Lake.open(folder)
    reported: set[str] = set()
    killed = 0
    for number in range(ROUNDS):
        if number % 20 == 0:  # from the start, so that there is always something new to take in
            shutil.rmtree(folder)
            Lake.open(folder)
            reported = set()
        work = subprocess.Popen(
            [sys.executable, "-c", WORK, str(folder), "0", *files],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert work.stdout is not None
        assert work.stdout.readline().strip() == "ready"
        with suppress(subprocess.TimeoutExpired):
            work.wait(draw.expovariate(1 / 0.15))
        work.send_signal(signal.SIGKILL)
        killed += work.wait() == -signal.SIGKILL
        for line in work.stdout.read().splitlines():
            if line.startswith("{"):
                reported.add(json.loads(line)["file"])
        lake = Lake.open(folder)
        verified = lake.verify()
        assert verified.clean, (number, verified.problems)
        scans = lake.read("scan")
        per = scans["event_id"].str.extract(r"^e(\d+)-").value_counts()
        counts = {f"scan_{n}.csv": c for n, c in per.iter_rows()}
        assert scans["event_id"].n_unique() == len(scans)
        for name in reported:  # accepted once is there, whole
            assert counts.get(Path(name).name) == EACH, (number, name, counts)
        assert all(c == EACH for c in counts.values())  # nothing half
    assert killed > ROUNDS / 2
    lake.ingest(files)
    assert len(lake.read("scan")) == EACH * len(files) and lake.verify().clean
    assert lake.expire(date(2023, 2, 3)) and lake.verify().clean

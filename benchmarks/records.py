"""Taking in records: tables and EPCIS a second, memory of large inputs, beside well-kept writers in the same run.

In:     scans made for the purpose: 3,000 facilities, 30 days, no two alike
Out:    Markdown rows
Not:    whether what was taken in is right (tests/records)
Words:  peer = pandas into SQLite with a primary key (checks repeats, no more); DuckDB COPY (neither checks nor
        keeps one from many: the limit)
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import orjson
import polars as pl

RUNS = 5
HELD, NEW, EVENTS = 5_000_000, 1_000_000, 200_000
GIGABYTES = 5
_STEPS = ("accepted", "screened", "arrived", "sorted", "departed", "out-for-delivery", "delivered")
_PLACES = ("110000", "330100", "440100", "510100", "310000", "320500")
_OPERATORS = ("sf", "yto", "zto", "sto")
# a type of a pack: scans with the courier's number, which is kept as a keyed hash
_TYPE = "courier_scan"


def scans(count: int, seed: int) -> pl.DataFrame:
    """So many scans; ``courier`` is the field that is hashed."""
    draw = np.random.default_rng(seed)
    i = np.arange(count)
    moment = np.datetime64("2022-11-01T00:00:00", "us") + draw.integers(0, 30 * 86400, count) * np.timedelta64(
        1_000_000, "us"
    )
    return pl.DataFrame(
        {
            "event_id": pl.Series(i).cast(pl.String).str.zfill(12).str.replace("^", f"ev-{seed}-"),
            "item_id": pl.Series(10**12 + i // 7).cast(pl.String).str.replace("^", "SF"),
            "step": pl.Series(np.array(_STEPS)[i % 7]),
            "facility": pl.Series(draw.integers(330000, 333000, count)).cast(pl.String),
            "time": pl.Series(moment).dt.strftime("%Y-%m-%d %H:%M:%S"),
            "operator": pl.Series(np.array(_OPERATORS)[i % 4]),
            "item_class": pl.repeat("express", count, eager=True),
            "origin": pl.Series(np.array(_PLACES)[i % 6]),
            "destination": pl.Series(np.array(_PLACES)[(i * 5) % 6]),
            "real_name": pl.Series(np.array(("yes", "no"))[i % 2]),
            "courier": pl.Series(draw.integers(0, 50_000, count)).cast(pl.String).str.replace("^", "C"),
        }
    )


def declare(lake: Path) -> None:
    """The pack's type in a new lake."""
    from clearway.records import Lake, record_types

    Lake.open(lake)
    fields = [f for f in record_types()["scan"].fields if f.name in scans(1, 0).columns]
    rows = ["type,family,field,kind,key,subject,unit_of_record,time_of_record,required,meaning"]
    for f in fields:
        kind = "one of " + " ".join(f.choices) if f.choices else f.kind
        marks = ("key" if f.key else "", "subject" if f.name == "item_id" else "", "unit" if f.name == "facility" else "",
                 "time" if f.name == "time" else "", "required" if f.required else "")  # fmt: skip
        rows.append(f"{_TYPE},event,{f.name},{kind},{','.join(marks)},")
    rows.append(f"{_TYPE},event,courier,person,,,,,,")
    (lake / "types" / "courier.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def documents(count: int, path: Path) -> float:
    """An EPCIS document of so many events of about 1 kB; returns bytes an event."""
    draw = np.random.default_rng(7)
    units, parties = draw.integers(330000, 333000, count), draw.integers(0, 300, (count, 2))
    steps = draw.integers(0, 4, count)
    head = {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
                     {"clearway": "urn:clearway:field:", "ext": "https://example.org/ns/"}],
        "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2022-12-01T00:00:00Z",
    }  # fmt: skip
    with path.open("wb") as out:
        out.write(orjson.dumps(head)[:-1] + b',"epcisBody":{"eventList":[')
        for i in range(count):
            event = {
                "type": "ObjectEvent", "eventTimeZoneOffset": "+08:00", "action": "OBSERVE",
                "eventTime": f"2022-11-{1 + i % 28:02d}T{i % 24:02d}:{i % 60:02d}:{i // 60 % 60:02d}.000+08:00",
                "epcList": [f"urn:clearway:item:SF{i:012d}"],
                "bizStep": ("departing", "arriving", "accepting", "inspecting")[steps[i]], "disposition": "in_transit",
                "readPoint": {"id": f"urn:clearway:unit:{units[i]}"},
                "bizLocation": {"id": f"urn:epc:id:sgln:0614141.{parties[i, 0]:05d}.0"},
                "bizTransactionList": [
                    {"type": "po", "bizTransaction": f"http://transaction.example.com/po/{i:08d}"},
                    {"type": "desadv", "bizTransaction": f"urn:epcglobal:cbv:bt:0614141073467:{i}"}],
                "sourceList": [{"type": "possessing_party", "source": f"urn:epc:id:pgln:0614141.{parties[i, 1]:05d}"}],
                "destinationList": [{"type": "location", "destination": f"urn:epc:id:sgln:0614141.{parties[i, 1]:05d}.0"}],
                "clearway:operator": "sf", "clearway:item_class": "express", "clearway:origin": "330100",
                "clearway:destination": "110000", "clearway:real_name": "yes", "clearway:inspected": "yes",
                "ext:weight": "1.2", "ext:note": f"route {i}", "ext:device": f"https://example.org/device/{i % 5000}",
            }  # fmt: skip
            out.write((b"," if i else b"") + orjson.dumps(event))
        out.write(b"]}}")
    return path.stat().st_size / count


_INGEST = """
import json, os, sys, threading, time
from pathlib import Path
from clearway.records import Lake

def resident(pid):
    # what a process and those it started hold now; the kernel's own maximum would count what it was forked from
    pid = os.getpid() if pid == "self" else pid
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        started = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, ValueError):
        return 0
    return pages * 4096 + sum(resident(p) for p in started)

most, done = [0], threading.Event()
def watch():
    while not done.wait(0.05):
        most[0] = max(most[0], resident("self"))
lake = Lake.open(sys.argv[1])
watcher = threading.Thread(target=watch)
watcher.start()
begun = time.perf_counter()
report = lake.ingest([sys.argv[2]], type=sys.argv[3] or None)
seconds = time.perf_counter() - begun
done.set()
watcher.join()
print(json.dumps([report.accepted, report.repeated, report.refused, seconds, most[0] / 2**20]))
"""


def ingest(lake: Path, path: Path, kind: str) -> tuple[int, int, int, float, float]:
    """Take a file in, in a process of its own: accepted, repeated, refused, seconds, MB."""
    environment = {**os.environ, "CLEARWAY_PSEUDONYM_KEY": "benchmark"}
    done = subprocess.run(
        [sys.executable, "-c", _INGEST, str(lake), str(path), kind],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    accepted, repeated, refused, seconds, memory = json.loads(done.stdout.splitlines()[-1])
    return accepted, repeated, refused, seconds, memory


def sqlite(path: Path, database: Path) -> float:
    """The peer: pandas reads, SQLite takes what is new by its primary key; seconds."""
    import pandas as pd

    begun = time.perf_counter()
    frame = pd.read_csv(path, dtype=str) if path.suffix == ".csv" else pd.read_parquet(path)
    with sqlite3.connect(database) as connection:
        marks = ",".join("?" * frame.shape[1])
        rows = frame.itertuples(index=False, name=None)
        connection.executemany(f"INSERT OR IGNORE INTO scan VALUES ({marks})", rows)
    return time.perf_counter() - begun


def copied(path: Path, target: Path) -> float:
    """The limit: DuckDB copies the file to Parquet; seconds."""
    import duckdb

    read = f"read_csv('{path}', all_varchar=true)" if path.suffix == ".csv" else f"read_parquet('{path}')"
    begun = time.perf_counter()
    duckdb.sql(f"COPY (SELECT * FROM {read}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
    with target.open("rb") as handle:
        os.fsync(handle.fileno())
    return time.perf_counter() - begun


def main(runs: int = RUNS, folder: Path | None = None, large: bool = True) -> None:
    """Print the tables."""
    work = Path(tempfile.mkdtemp(dir=folder))
    try:
        _tables(work, runs)
        _epcis(work, runs)
        if large:
            _large(work)
    finally:
        shutil.rmtree(work)


def _tables(work: Path, runs: int) -> None:
    held, new = scans(HELD, 1), scans(NEW, 2)
    held.write_csv(work / "held.csv")
    new.write_csv(work / "new.csv")
    new.write_parquet(work / "new.parquet")
    declare(work / "base")
    ingest(work / "base", work / "held.csv", _TYPE)
    base = sqlite3.connect(work / "base.db")
    base.execute(
        f"CREATE TABLE scan ({', '.join(f'{c} TEXT' for c in held.columns)}, PRIMARY KEY (event_id)) WITHOUT ROWID"
    )
    base.executemany(f"INSERT INTO scan VALUES ({','.join('?' * held.width)})", held.iter_rows())
    base.commit()
    base.close()
    print(f"| {NEW:,} new scans into {HELD:,} held | events/s | MB | pandas to SQLite | ratio | DuckDB COPY | ratio |")
    print("|---|---|---|---|---|---|---|")
    for name in ("new.csv", "new.parquet"):
        own, memory, peer, limit = [], [], [], []
        for _ in range(runs):
            shutil.rmtree(work / "lake", ignore_errors=True)
            shutil.copytree(work / "base", work / "lake")
            shutil.copy(work / "base.db", work / "peer.db")
            accepted, _, refused, seconds, mb = ingest(work / "lake", work / name, _TYPE)
            assert accepted == NEW and not refused
            own.append(seconds)
            memory.append(mb)
            peer.append(sqlite(work / name, work / "peer.db"))
            limit.append(copied(work / name, work / "copy.parquet"))
        a, b, c = (statistics.median(x) for x in (own, peer, limit))
        print(
            f"| {name.split('.')[1]} | {NEW / a:,.0f} | {statistics.median(memory):.0f} | {NEW / b:,.0f} | {b / a:.1f} "
            f"| {NEW / c:,.0f} | {c / a:.2f} |",
            flush=True,
        )
    accepted, repeated, _, seconds, _ = ingest(work / "lake", work / "new.parquet", _TYPE)
    assert not accepted and repeated == NEW
    print(f"| the same again: all repeats | {NEW / seconds:,.0f} | | | | | |\n", flush=True)


def _epcis(work: Path, runs: int) -> None:
    size = documents(EVENTS, work / "events.jsonld")
    seconds, memory = [], []
    for _ in range(runs):
        shutil.rmtree(work / "lake", ignore_errors=True)
        accepted, _, refused, second, mb = ingest(work / "lake", work / "events.jsonld", "")
        assert accepted == EVENTS and not refused
        seconds.append(second)
        memory.append(mb)
    print(
        f"| {EVENTS:,} EPCIS events of {size:,.0f} bytes, two processes | events/s | MB of all processes |\n|---|---|---|"
    )
    print(
        f"| checked, hashed, kept | {EVENTS / statistics.median(seconds):,.0f} | {statistics.median(memory):.0f} |\n",
        flush=True,
    )


def _large(work: Path) -> None:
    """Input of five gigabytes, once."""
    shutil.rmtree(work / "lake", ignore_errors=True)
    declare(work / "lake")
    path = work / "large.csv"
    with path.open("wb") as out:
        number = 10
        while path.stat().st_size < GIGABYTES << 30:
            scans(2_000_000, number).write_csv(out, include_header=number == 10)
            out.flush()
            number += 1
    accepted, _, refused, seconds, memory = ingest(work / "lake", path, _TYPE)
    assert not refused
    print(f"| {path.stat().st_size / 2**30:.1f} GiB of CSV | events/s | MB |\n|---|---|---|")
    print(f"| {accepted:,} scans | {accepted / seconds:,.0f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS, large="large" in sys.argv)

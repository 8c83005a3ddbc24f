"""Judging a month of a country: all rules of the built-in packs and more, beside SQL written by hand.

In:     a world of 3,000 facilities and 5 million events over 30 days; runs, and further months of the same scans
Out:    Markdown rows
Not:    whether findings are right (tests/rules, tests/world)
Words:  peer = five of the measures as DuckDB SQL written by hand over the same files
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

RUNS = 5
FIRST, LAST = date(2022, 11, 1), date(2022, 11, 30)
OUTLETS, EVENTS = 60, 5_000_000
STEPS = ("accepted", "screened", "sorted", "departed", "arrived", "out-for-delivery", "delivered")
FIVE = ("sec-realname-check", "sec-inspect", "sec-screen-100", "exp-72h", "exp-limit-intercity")

_HEAD = "pack: bench\ntitle: {zh: 测, en: bench}\n"
_RULE = """  - id: bench-{n}
    title: {{zh: 测, en: bench}}
    measure: {{unit: count, kind: count, of: scan, base: "step = '{step}' and {more}", per: [facility, day]}}
    values:
      2020-01-01: {{at_most: 1000000, cite: none}}
    authority: {{place: CN}}
    force: target
    basis: draft
    last_checked: 2026-11-22
"""
_MORE = ("operator is present", "origin.province = destination.province")
_SQL = """
WITH s AS (
  SELECT *, CAST(time AS DATE) AS day,
    sum((step = 'screened')::INT) OVER (PARTITION BY item_id ORDER BY time
      RANGE BETWEEN INTERVAL 7 DAYS PRECEDING AND CURRENT ROW) AS screened,
    sum((step = 'delivered')::INT) OVER (PARTITION BY item_id ORDER BY time
      RANGE BETWEEN CURRENT ROW AND INTERVAL 72 HOURS FOLLOWING) AS delivered,
    sum((step IN ('attempted', 'delivered'))::INT) OVER (PARTITION BY item_id ORDER BY time
      RANGE BETWEEN CURRENT ROW AND INTERVAL 72 HOURS FOLLOWING) AS reached
  FROM read_parquet('{files}', hive_partitioning = false, union_by_name = true)
  WHERE _until IS NULL AND time >= TIMESTAMP '{first}' - INTERVAL 7 DAYS AND time < TIMESTAMP '{last}' + INTERVAL 4 DAYS
)
SELECT facility, day,
  sum((step = 'accepted' AND item_class <> 'letter' AND agreement_client IS NULL)::INT) d1,
  sum((step = 'accepted' AND item_class <> 'letter' AND agreement_client IS NULL AND real_name = 'yes')::INT) n1,
  sum((step = 'accepted' AND item_class <> 'letter')::INT) d2,
  sum((step = 'accepted' AND item_class <> 'letter' AND inspected = 'yes')::INT) n2,
  sum((step = 'departed' AND mode = 'air')::INT) d3,
  sum((step = 'departed' AND mode = 'air' AND screened > 0)::INT) n3,
  sum((step = 'accepted' AND substr(origin, 1, 4) <> substr(destination, 1, 4))::INT) d4,
  sum((step = 'accepted' AND substr(origin, 1, 4) <> substr(destination, 1, 4) AND delivered > 0)::INT) n4,
  sum((step = 'accepted' AND substr(origin, 1, 4) <> substr(destination, 1, 4) AND reached > 0)::INT) n5
FROM s WHERE day BETWEEN DATE '{first}' AND DATE '{last}' GROUP BY ALL
"""
# the high mark of the process itself: getrusage also knows that of the one it was forked from
_TIMED = """
import json, time
begun = time.perf_counter()
{work}
spent = time.perf_counter() - begun
memory = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([spent, int(memory) / 1024, len(found)]))
"""
_CHECK = """
import clearway as cw
found = cw.check({lake!r}, {first!r}, {last!r}, packs={packs!r}, rules={rules!r})
"""
_PEER = """
import duckdb
found = duckdb.connect(config={{"memory_limit": "1500MB"}}).sql({sql!r}).to_arrow_table()
"""


def bench_pack(folder: Path) -> Path:
    """Fourteen more measures on events."""
    folder.mkdir()
    rules = [_RULE.format(n=n, step=s, more=m) for n, (s, m) in enumerate((s, m) for m in _MORE for s in STEPS)]
    (folder / "pack.yaml").write_text(_HEAD, encoding="utf-8")
    (folder / "topic.yaml").write_text("topic: {id: bench, zh: 测, en: bench}\nrules:\n" + "".join(rules))
    return folder


def make_lake(folder: Path, events: int = EVENTS) -> Path:
    """A lake of a month, without plants."""
    import clearway as cw
    from clearway.records import Lake
    from clearway.world import make_world

    case = cw.Case.read("china-2022/east")
    days = (LAST - FIRST).days + 1
    items = round(events / 10.4 / days)
    world = make_world(case, FIRST, LAST, 1, items=items, outlets=OUTLETS, each=0)
    made = world.write(folder / "world")
    lake = Lake.open(folder / "lake")
    lake.ingest(sorted((made / "records").glob("*.parquet")), origin="generated")
    lake.compact()
    return folder / "lake"


def grow(lake_folder: Path, scans: Path, months: int) -> None:
    """The same scans again, under other names, for some stretches of thirty days before."""
    import polars as pl

    from clearway.records import Lake

    lake, base = Lake.open(lake_folder), pl.read_parquet(scans)
    times = [c for c, t in base.schema.items() if t.is_temporal()]
    for n in range(1, months + 1):
        back = pl.duration(days=30 * n)
        part = base.filter(pl.col("time") < pl.lit(LAST) + pl.duration(days=1)).with_columns(
            (pl.col(c) - back).alias(c) for c in times
        )
        ids = [pl.concat_str(pl.lit(f"M{n:02d}"), c).alias(c) for c in ("item_id", "event_id")]
        path = lake_folder.parent / f"scan-{n}.parquet"
        part.with_columns(ids).write_parquet(path)
        lake.ingest([path], type="scan", origin="generated")
        path.unlink()
    lake.compact()


def timed(work: str, runs: int, before: Callable[[], object] = lambda: None) -> tuple[float, float, int]:
    """Median seconds and MB of some work in fresh processes, and how much it found; ``before`` each of them."""
    code = _TIMED.format(work=work)
    results = []
    for _ in range(runs):
        before()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        results.append(json.loads(done.stdout.splitlines()[-1]))
    return (
        statistics.median(r[0] for r in results),
        statistics.median(r[1] for r in results),
        results[0][2],
    )


def rows(runs: int = RUNS, events: int = EVENTS, months: int = 0) -> list[str]:
    """Markdown: all rules over a month, a day's refresh, five measures and the peer's; ``months`` more of scans."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lake = make_lake(folder, events)
        if months:
            grow(lake, folder / "world" / "records" / "scan.parquet", months)
        packs = ["cn", "cn-epidemic", str(bench_pack(folder / "bench"))]

        def code(start: date, end: date, rules: Sequence[str] | None = None) -> str:
            days = {"first": start.isoformat(), "last": end.isoformat()}
            return _CHECK.format(lake=str(lake), packs=packs, rules=rules, **days)

        def forget() -> None:
            (lake / "measures" / "kept.sqlite").unlink(missing_ok=True)

        def yesterday() -> None:
            forget()
            timed(code(LAST - timedelta(days=1), LAST - timedelta(days=1)), 1)

        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        out = [("all rules, a month, the first time on a machine", timed(code(FIRST, LAST), 1))]
        out.append(("all rules, a month, nothing kept", timed(code(FIRST, LAST), runs, forget)))
        out.append(("the same again, nothing new", timed(code(FIRST, LAST), runs)))
        out.append(("a day's refresh", timed(code(LAST, LAST), runs, yesterday)))
        five = timed(code(FIRST, LAST, FIVE), runs, forget)
        out.append(("five measures on events", five))
        sql = _SQL.format(files=f"{lake}/data/scan/**/*.parquet", first=FIRST, last=LAST + timedelta(days=1))
        peer = timed(_PEER.format(sql=sql), runs)
        out.append(("the five as SQL written by hand", peer))
    lines = ["| what | seconds | MB | findings or rows |", "|---|---|---|---|"]
    lines += [f"| {label} | {seconds:.1f} | {memory:,.0f} | {count:,} |" for label, (seconds, memory, count) in out]
    return [*lines, f"\nfive measures: {five[0] / peer[0]:.2f} x the SQL written by hand"]


def main(runs: int = RUNS, months: int = 0) -> None:
    """Print the rows."""
    print("\n".join(rows(runs, months=months)))


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))

"""Measure reading of cases, notices and records, exact planning and the national method beside named peers in the same run.

In:     the built-in cases, sample notices, scans made for the purpose
Out:    Markdown tables: medians of runs, each in a process of its own, with peak memory
Not:    tests: nothing here passes or fails
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
from datetime import date

from benchmarks import growth, notices, records, rules, simulation

RUNS = 5

READ = """
import clearway as cw
case = cw.Case.read("china-2022/peak")
"""
PEER_READ = """
import polars as pl
from clearway.cases.builtin import data_folder
root = data_folder() / "china-2022"
frames = [pl.read_parquet(root / "peak-open" / "demand.parquet"), pl.read_parquet(root / "peak-open" / "stock.parquet")]
frames += [pl.read_csv(root / "national" / f"{n}.csv", infer_schema_length=None) for n in ("places", "facilities", "lanes")]
"""
EXACT = """
import clearway as cw
facts = cw.plan(cw.Case.read("china-2022/{name}")).summary()
"""
INTERIOR = """
import clearway as cw
import clearway.planning.exact as exact
exact.INTERIOR_FROM = 0
facts = cw.plan(cw.Case.read("china-2022/{name}")).summary()
"""
WRAP = """
import json, resource, time
begun = time.perf_counter()
{code}
print(json.dumps([time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def measure(code: str, runs: int = RUNS) -> tuple[float, float]:
    """Median seconds and MB of a piece of code in fresh processes (imports included)."""
    results = []
    for _ in range(runs):
        done = subprocess.run(
            [sys.executable, "-c", WRAP.format(code=code)], capture_output=True, text=True, check=True
        )
        results.append(json.loads(done.stdout.splitlines()[-1]))
    return statistics.median(r[0] for r in results), statistics.median(r[1] for r in results)


def main() -> None:
    pairs = [
        ("read and check china-2022/peak", READ, "Polars reading the same files unchecked", PEER_READ),
        (
            "plan tiny, exact",
            EXACT.format(name="tiny"),
            "HiGHS interior points with crossover",
            INTERIOR.format(name="tiny"),
        ),
        (
            "plan east-12, exact (184,397 columns)",
            EXACT.format(name="east-12"),
            "HiGHS interior points with crossover",
            INTERIOR.format(name="east-12"),
        ),
    ]
    print(f"{date.today()}, {platform.machine()}, Python {platform.python_version()}, medians of {RUNS} runs\n")
    print("| what | seconds | MB | peer | seconds | MB | peer / Clearway |\n|---|---|---|---|---|---|---|")
    for name, ours, peer, theirs in pairs:
        seconds, memory = measure(ours)
        other, other_memory = measure(theirs)
        print(
            f"| {name} | {seconds:.2f} | {memory:.0f} | {peer} | {other:.2f} | {other_memory:.0f} | {other / seconds:.2f} |",
            flush=True,
        )
    print()
    notices.main()
    print()
    records.main(RUNS)
    print()
    rules.main(RUNS)
    print()
    growth.main()
    simulation.main(RUNS)


if __name__ == "__main__":
    main()

"""Growing networks and the built-in cases, Clearway beside general solvers on the same program.

In:     the writer of benchmark networks beside the repository, the built-in cases
Out:    a Markdown table; docs/img/convergence.svg and docs/img/growth.svg
Not:    one solver on one case (solvers.py)
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WRITER = ROOT.parent / "shared" / "tools" / "make_instance.py"
PEERS = ("highs-simplex", "highs-ipm", "highs-pdlp", "ortools-pdlp")
LIMIT = 200.0  # seconds for every solver
# facilities, classes, runs of Clearway, whether the peers can carry it
SIZES = ((10, 1, 5, True), (20, 1, 5, True), (60, 1, 5, False), (60, 2, 3, False), (60, 3, 3, False), (120, 1, 3, False),
         (340, 1, 3, False))  # fmt: skip
BUILT_IN = (("china-2022/east-12", 5, True), ("china-2022/peak", 5, False))


def cases(folder: Path) -> Iterator[tuple[str, str, int, bool]]:
    """Label, folder or name, runs, whether the peers run too."""
    if WRITER.exists():
        for facilities, classes, runs, peers in SIZES:
            target = folder / f"{facilities}-{classes}"
            arguments = ["--facilities", str(facilities), "--classes", str(classes)]
            subprocess.run([sys.executable, str(WRITER), str(target), *arguments], check=True, capture_output=True)
            yield f"{facilities} facilities, {classes} class{'es' * (classes > 1)}", str(target), runs, peers
    else:
        print(f"the writer of networks is not at {WRITER.relative_to(ROOT.parent)}: built-in cases only", flush=True)
    for name, runs, peers in BUILT_IN:
        yield name, name, runs, peers


def solve(solver: str, case: str) -> dict[str, Any]:
    """One solver in a process of its own; what it had by the limit."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.solvers", solver, case, str(LIMIT)],
        capture_output=True, text=True, cwd=ROOT, timeout=4 * LIMIT + 300,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        return {"reached": [None, None], "memory_mb": None, "seconds": None, "failed": done.stderr.strip()[-200:]}
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def median(results: list[dict[str, Any]], place: int) -> float | None:
    """Median seconds to a gap; None where one run did not get there."""
    values = [r["reached"][place] for r in results]
    return None if any(v is None for v in values) else statistics.median(values)


def main() -> None:
    """Print the table as it grows and draw the plots."""
    print(
        "| case | solver | 1 % s | 0.1 % s | least gap | MB | Clearway is faster to 0.1 % |\n|---|---|---|---|---|---|---|"
    )
    drawn: list[tuple[str, dict[str, Any], float]] = []
    with tempfile.TemporaryDirectory() as folder:
        for label, case, runs, beside in cases(Path(folder)):
            ours = [solve("clearway", case) for _ in range(runs)]
            best = statistics.median(r["course"][-1][2] / r["bound"] - 1 for r in ours)
            own, memory = median(ours, 1), statistics.median(r["memory_mb"] for r in ours)
            row(label, f"Clearway, {runs} runs", median(ours, 0), own, f"{100 * best:.3f} %", memory, "")
            drawn.append((label, ours[0], memory))
            for solver in PEERS if beside else ():
                found = solve(solver, case)
                theirs = found["reached"][1]
                faster = f"{theirs / own:.0f} ×" if theirs and own else ""
                if "failed" in found:
                    print(f"| {label} | {solver} | failed: {found['failed']} |", flush=True)
                    continue
                row(f"{label} ({found.get('columns', 0):,} columns)", solver, found["reached"][0], theirs, "",
                    found["memory_mb"], faster)  # fmt: skip
    draw(drawn)


def row(
    case: str, solver: str, one: float | None, tenth: float | None, gap: str, memory: float | None, ratio: str
) -> None:
    """One line of the table."""
    words = [f"{x:.2f}" if x is not None else f"not in {LIMIT:.0f}" for x in (one, tenth)]
    print(f"| {case} | {solver} | {words[0]} | {words[1]} | {gap} | {memory or 0:.0f} | {ratio} |", flush=True)


def draw(found: list[tuple[str, dict[str, Any], float]]) -> None:
    """Gap over seconds of every case; seconds to 1 % and memory over the size of the case."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    target = ROOT / "docs" / "img"
    target.mkdir(exist_ok=True)
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    for label, result, _ in found:
        course = result["course"]
        axes.plot([c[0] for c in course], [100 * (c[2] / c[1] - 1) for c in course], label=label)
    axes.set(xscale="log", yscale="log", xlabel="seconds", ylabel="gap, %", title="Gap proven, by time")
    axes.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(target / "convergence.svg")
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 4))
    sized = [(r["size"], r["reached"][0], memory) for _, r, memory in found if "size" in r]
    for axes, column, name in ((left, 1, "seconds to 1 %"), (right, 2, "MB")):
        points = [(s[0], s[column]) for s in sized if s[column]]
        axes.plot([p[0] for p in points], [p[1] for p in points], "o")
        axes.set(xscale="log", yscale="log", xlabel="lanes × slots × commodities", ylabel=name)
    figure.tight_layout()
    figure.savefig(target / "growth.svg")


if __name__ == "__main__":
    main()

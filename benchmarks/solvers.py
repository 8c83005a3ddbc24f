"""One solver on one case, in a process of its own: python -m benchmarks.solvers SOLVER CASE LIMIT.

In:     name of a solver, folder or name of a case, seconds
Out:    one line of JSON: seconds to a gap of 1 % and 0.1 %, seconds in all, memory, objective, course
Not:    which solvers and cases (growth.py)
Words:  gap = primal and dual objective apart by that part of the dual; simplex proves nothing before it
        ends, interior points and PDLP report both objectives while they run or are asked for that gap
"""

from __future__ import annotations

import json
import re
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from clearway.cases import Case
from clearway.planning.problem import Problem, build_problem

GAPS = (0.01, 0.001)


def clearway(problem: Problem, limit: float) -> dict[str, Any]:
    """The dual method alone, without the exact finish of small cases."""
    from clearway.planning.compiled import prepare

    prepare()
    from clearway.planning.dual import solve_dual

    warm_up = build_problem(Case.read("tiny"))
    solve_dual(warm_up, gap=1e-4, most_iterations=5)  # compiled code is loaded once per process
    found = solve_dual(problem, gap=GAPS[-1], time_limit=limit)
    reached = [next((s for s, bound, plan in found.course if plan / bound - 1 <= gap), None) for gap in GAPS]
    course = [[s, bound, plan] for s, bound, plan in found.course]
    size = len(problem.offer.lanes) * problem.grid.slots * problem.commodities
    return {
        "reached": reached,
        "objective": found.tally.objective,
        "bound": found.bound,
        "course": course,
        "size": size,
    }


def highs(problem: Problem, limit: float, solver: str) -> dict[str, Any]:
    """HiGHS on the written-out program: ``simplex``, ``ipm`` without crossover, or ``pdlp``."""
    import highspy

    from clearway.planning.exact import write_program

    _, lp, _ = write_program(problem)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        h = highspy.Highs()
        h.setOptionValue("log_to_console", False)
        h.setOptionValue("log_file", str(log))
        h.setOptionValue("solver", solver)
        h.setOptionValue("run_crossover", "off")
        h.setOptionValue("threads", 2)
        h.setOptionValue("time_limit", limit)
        if solver == "pdlp":
            h.setOptionValue("pdlp_optimality_tolerance", GAPS[-1])
        h.passModel(lp)
        begun = time.perf_counter()
        h.run()
        seconds = time.perf_counter() - begun
        text = log.read_text()
    done = h.getModelStatus() == highspy.HighsModelStatus.kOptimal
    columns = {"columns": lp.num_col_, "objective": h.getInfo().objective_function_value if done else None}
    if solver == "ipm":
        return {"reached": [_interior(text, gap) for gap in GAPS], **columns}
    return {"reached": [seconds if done else None] * 2, **columns}


def _interior(text: str, gap: float) -> float | None:
    """Seconds at which the log of the interior points shows primal and dual objective within the gap."""
    for line in text.splitlines():
        parts = line.split()
        if len(parts) == 7 and re.fullmatch(r"\d+", parts[0]):
            try:
                primal, dual, seconds = float(parts[1]), float(parts[2]), float(parts[6])
            except ValueError:
                continue
            if abs(primal - dual) <= gap * abs(dual):
                return seconds
    return None


def ortools(problem: Problem, limit: float) -> dict[str, Any]:
    """PDLP of OR-Tools, asked for each gap in turn from a cold start."""
    import numpy as np
    import scipy.sparse as sp
    from ortools.pdlp import solve_log_pb2, solvers_pb2
    from ortools.pdlp.python import pdlp

    from clearway.planning.exact import write_program

    _, lp, _ = write_program(problem)
    matrix = lp.a_matrix_
    shape = (lp.num_row_, lp.num_col_)
    kind = sp.csc_matrix if str(matrix.format_).endswith("kColwise") else sp.csr_matrix
    rows = kind((np.array(matrix.value_), np.array(matrix.index_), np.array(matrix.start_)), shape)
    program = pdlp.QuadraticProgram()
    program.objective_vector = np.array(lp.col_cost_)
    program.constraint_matrix = rows.tocsc()
    program.constraint_lower_bounds, program.constraint_upper_bounds = np.array(lp.row_lower_), np.array(lp.row_upper_)
    program.variable_lower_bounds, program.variable_upper_bounds = np.array(lp.col_lower_), np.array(lp.col_upper_)
    reached: list[float | None] = []
    objective = None
    for gap in GAPS:
        settings = solvers_pb2.PrimalDualHybridGradientParams()
        settings.num_threads = 2
        settings.termination_criteria.time_sec_limit = limit
        optimal = settings.termination_criteria.simple_optimality_criteria
        optimal.eps_optimal_relative, optimal.eps_optimal_absolute = gap, 0.0
        begun = time.perf_counter()
        found = pdlp.primal_dual_hybrid_gradient(program, settings)
        seconds = time.perf_counter() - begun
        good = found.solve_log.termination_reason == solve_log_pb2.TERMINATION_REASON_OPTIMAL
        reached.append(seconds if good else None)
        objective = float(program.objective_vector @ found.primal_solution) if good else None
        if not good:
            reached += [None] * (len(GAPS) - len(reached))
            break
    return {"reached": reached, "columns": lp.num_col_, "objective": objective}


def main(solver: str, name: str, limit: float) -> None:
    """Solve and print one line."""
    problem = build_problem(Case.read(name))
    begun = time.perf_counter()
    if solver == "clearway":
        found = clearway(problem, limit)
    elif solver == "ortools-pdlp":
        found = ortools(problem, limit)
    else:
        found = highs(problem, limit, solver.removeprefix("highs-"))
    found["seconds"] = time.perf_counter() - begun
    found["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))

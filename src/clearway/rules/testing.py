"""The cases that stand beside the rules of a pack, tried: records into a lake, findings out, by both engines.

In:     packs
Out:    for each case what was asked and what came
Not:    worlds, which plant the same cases among other records (clearway.world)
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from stdnum.cn import uscc

from clearway.core.errors import Faults
from clearway.core.places import all_places
from clearway.records import Lake, code_stood, frame_of, lies_in, record_types
from clearway.rules.cases import Rows, Stage, build, moment_of
from clearway.rules.declared import Packs, Rule, RuleCase
from clearway.rules.evaluating import check
from clearway.rules.figures import Window
from clearway.rules.oracle import interpret
from clearway.rules.periods import period_of

_FIGURES = ("value", "numerator", "denominator")


@dataclass(frozen=True)
class Tried:
    """One case: what it asks and what both engines gave; ``wrong`` is empty where all agree."""

    rule: str
    title: str
    asked: str
    compiled: str
    plain: str
    wrong: str
    file: str
    line: int


def try_cases(
    packs: Packs, rules: Sequence[Rule], told: Callable[[int, int], None] = lambda done, of: None
) -> list[Tried]:
    """Every case of some rules, in one lake, each with units and places of its own."""
    staged = list(_staged(packs, rules))
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.open(Path(folder) / "lake")
        fill(lake, [rows for *_, rows in staged])
        found: list[Tried] = []
        groups: dict[tuple[date, date, datetime], list[Any]] = {}
        for one in staged:
            groups.setdefault(one[4], []).append(one)
        for (first, last, now), members in groups.items():
            chosen = list({r.id: r for r, *_ in members}.values())
            names = [r.id for r in chosen]
            frame = check(lake, first, last, packs=packs, at=now, rules=names).frame
            compiled = {(r["rule"], r["unit"], r["period"]): r for r in frame.iter_rows(named=True)}
            plain = {
                (r["rule"], r["unit"], r["period"]): r for r in interpret(lake, packs, Window(first, last, now), chosen)
            }
            for rule, case, unit, period, _, _ in members:
                key = (rule.id, unit, period)
                found.append(_compared(rule, case, compiled.get(key), plain.get(key)))
                told(len(found), len(staged))
    return found


def _staged(packs: Packs, rules: Iterable[Rule]) -> Iterable[tuple[Rule, RuleCase, str, str, Any, Rows]]:
    types, faults = record_types(), Faults()
    # rules of a place need its few counties: others take theirs from the middle of the country
    counties = sorted((p.code for p in all_places() if p.level == "county"), key=lambda c: (not "41" <= c < "55", c))
    used: set[str] = set()
    for rule in rules:
        measure, wanted = packs.measures[rule.measure], rule.scope.places
        for n, case in enumerate(rule.cases):
            place = next(
                c for c in counties if c not in used and code_stood(c, 2016) and (not wanted or lies_in(c, wanted))
            )
            used.add(place)
            stage = Stage(f"{rule.id}.{n}", case.day, place, client=client_code(len(used)))
            try:
                rows, unit, period = build(case, rule, measure, types, stage)
            except (ValueError, KeyError) as error:
                faults.add("case_fault", rule.file, case.line, rule.id, case.title, reason=str(error))
                continue
            now = _at(case, stage)
            kind = measure.editions[-1].period
            if kind == "season" or case.period:
                span = (case.day - timedelta(days=400), case.day + timedelta(days=400))
            else:
                own = period_of(kind, case.day)
                span = (own.first, own.last)
            yield rule, case, unit, period, (*span, now), rows
    faults.require()


def _at(case: RuleCase, stage: Stage) -> datetime:
    if case.at:
        return moment_of(case.at, stage)
    return datetime.combine(case.day + timedelta(days=400), time())


def client_code(number: int) -> str:
    """A valid code of an organisation that does not exist."""
    body = f"91110000{number:09d}"
    return body + str(uscc.calc_check_digit(body))


def fill(
    lake: Lake, parts: Iterable[Rows], origin: str = "generated", received: datetime | None = datetime(2000, 1, 1)
) -> None:
    """Take rows by type into a lake; every one must be accepted."""
    together: Rows = {}
    for rows in parts:
        for name, mine in rows.items():
            together.setdefault(name, []).extend(mine)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, mine in together.items():
            path = Path(folder) / f"{name}.parquet"
            frame_of(mine, lake.types[name]).write_parquet(path)
            paths.append(path)
        for path in paths:
            report = lake.ingest([path], type=path.stem, origin=origin, received=received)
            if report.refused:
                faults = Faults()
                faults.faults.extend(report.faults)
                faults.total = report.total_faults
                faults.require()


def _compared(rule: Rule, case: RuleCase, compiled: Any, plain: Any) -> Tried:
    got = "none" if compiled is None else compiled["state"]
    second = "none" if plain is None else plain["state"]
    wrong = []
    if got != case.state:
        wrong.append(f"{got} instead of {case.state}")
    for name, asked in case.figures.items():
        seen = None if compiled is None else compiled[name]
        if seen is None or abs(seen - asked) > 1e-9 * max(1.0, abs(asked)):
            wrong.append(f"{name} {seen} instead of {asked:g}")
    if compiled is not None and plain is not None:
        wrong += [f"{n} {compiled[n]} compiled, {plain[n]} interpreted" for n in _FIGURES if compiled[n] != plain[n]]
    if got != second:
        wrong.append(f"{second} interpreted")
    return Tried(rule.id, case.title, case.state, got, second, "; ".join(wrong), rule.file, case.line)

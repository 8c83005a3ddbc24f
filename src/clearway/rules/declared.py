"""What a pack declares: measures, rules, their dated values and cases, gaps.

In:     plain values that passed pack.schema.json (reading.py)
Out:    Measure, Edition, Rule, Limit, Gap, Pack
Not:    reading and checking (reading.py, checking.py), figures (compiled, oracle), states (judging.py)
Words:  edition = a definition from a day on; limit = what must hold, from a day on
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from clearway.rules.conditions import Condition
from clearway.rules.expressions import Expression

STATES = ("met", "at-risk", "breached", "pending", "not-applicable", "no-data")
LOOK_BACK = timedelta(days=30)
FAR = date(9999, 12, 31)


@dataclass(frozen=True)
class Title:
    """Words in both languages."""

    zh: str
    en: str

    def say(self, lang: str) -> str:
        """In one of them."""
        return self.zh if lang == "zh" else self.en


@dataclass(frozen=True)
class Clock:
    """When a duration starts and stops, and what it counts.

    ``stop_type`` is empty where the stop is a field of the same record; else the earliest time ``stop`` of records
    of that type that meet ``stop_where`` and whose field ``stop_on`` is the subject.
    """

    start: str
    stop: str
    calendar: str
    stop_type: str = ""
    stop_where: Condition | None = None
    stop_on: str = ""
    first_day: bool = False
    move: str = "none"
    pause: tuple[str, str] | None = None


@dataclass(frozen=True)
class Expected:
    """Units that report: their kinds and a condition, how often."""

    kinds: tuple[str, ...]
    where: Expression | None
    every: str


@dataclass(frozen=True)
class Edition:
    """One definition of a measure, in force from ``first`` until the day before the next one's."""

    first: date
    last: date
    kind: str
    of: str
    unit_field: str
    period: str
    base: Condition | None = None
    match: Condition | None = None
    subject: str = ""
    season: str = ""
    value: str = ""
    over: str = ""
    value_of: str = ""
    over_of: str = ""
    scale: float = 1.0
    distinct: str = ""
    take: str = ""
    adds: Condition | None = None
    takes: Condition | None = None
    window: int = 0
    expected: Expected | None = None
    clock: Clock | None = None
    edges: str = "counted"
    start: str = ""
    end: str = ""
    hours: float = 24.0
    among: Expression | None = None
    at_least: int = 1
    held: str = ""
    held_where: Expression | None = None
    change: str = ""
    sampled: str = ""
    ripe: str = ""
    held_by: str = ""

    @property
    def conditions(self) -> list[Condition]:
        """All conditions over records of its type."""
        return [c for c in (self.base, self.match, self.adds, self.takes) if c is not None]

    @property
    def fields(self) -> set[str]:
        """Names it uses of its type, beside those in conditions; some go through a register."""
        plain = (self.unit_field, self.value, self.over, self.distinct, self.subject, self.start, self.end)
        names = {n for n in (*plain, self.sampled, self.ripe) if n} - {"CN", "day"}
        if self.clock is not None:
            names |= {self.clock.start, *(self.clock.pause or ())}
            names |= set() if self.clock.stop_type else {self.clock.stop}
        return names


@dataclass(frozen=True)
class Measure:
    """A figure by declaration."""

    id: str
    title: Title
    unit: str
    source: str
    editions: tuple[Edition, ...]
    pack: str
    file: str
    line: int

    def edition_on(self, day: date) -> Edition | None:
        """The definition in force on a day."""
        return next((e for e in self.editions if e.first <= day <= e.last), None)


@dataclass(frozen=True)
class Case:
    """A value for units that meet a condition on the day; ``exempt`` where the rule does not hold for them."""

    when: Expression | None
    at_least: float | None = None
    at_most: float | None = None
    exempt: bool = False


@dataclass(frozen=True)
class Limit:
    """What must hold from ``first`` to ``last``."""

    first: date
    last: date
    cases: tuple[Case, ...]
    ended: bool
    cite: str
    quote: str


@dataclass(frozen=True)
class RuleCase:
    """Records and the finding they must give."""

    title: str
    day: date
    records: Mapping[str, list[dict[str, Any]]]
    state: str
    unit: str
    period: str
    at: str
    figures: Mapping[str, float]
    line: int
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scope:
    """Units a rule holds for."""

    kinds: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    where: Expression | None = None


@dataclass(frozen=True)
class Rule:
    """What must hold, for whom, since when, by whose word."""

    id: str
    title: Title
    measure: str
    scope: Scope
    limits: tuple[Limit, ...]
    authority: str
    enterprise: bool
    local: str
    replaces: str
    force: str
    basis: str
    judge: str
    anchor: str
    min_coverage: float
    warn: float | None
    severity: str
    topics: tuple[str, ...]
    last_checked: date
    source: str
    cases: tuple[RuleCase, ...]
    pack: str
    file: str
    line: int

    @property
    def verified(self) -> bool:
        """Whether its text itself was read."""
        return self.basis == "text"

    @property
    def advisory(self) -> bool:
        """Whether its findings stand outside counts and exit codes."""
        return not self.verified or self.force in ("target", "benchmark")

    def limit_on(self, day: date) -> Limit | None:
        """The value in force on a day; ``None`` before the first and after the end."""
        found = next((x for x in self.limits if x.first <= day <= x.last), None)
        return None if found is None or found.ended else found


@dataclass(frozen=True)
class Gap:
    """What a source leaves unknown, or what no record can tell."""

    id: str
    title: Title
    why: Title
    source: str
    topic: str
    pack: str


@dataclass(frozen=True)
class Pack:
    """Measures and rules of one name."""

    id: str
    title: Title
    topics: Mapping[str, Title]
    measures: Mapping[str, Measure]
    rules: Mapping[str, Rule]
    gaps: tuple[Gap, ...]
    ranks: Mapping[str, tuple[str, ...]]
    sources: Mapping[str, str]
    needs: tuple[str, ...] = ()
    fingerprint: str = ""


@dataclass(frozen=True)
class Packs:
    """Several packs together, as one evaluation reads them."""

    packs: tuple[Pack, ...]
    measures: Mapping[str, Measure] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    ranks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Pack]:
        return iter(self.packs)

    def topic(self, name: str) -> Title:
        """The words of a topic."""
        return next((p.topics[name] for p in self.packs if name in p.topics), Title(name, name))

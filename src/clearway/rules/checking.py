"""What is wrong with packs beyond their shape: names, circles, units, dates, rules that can never apply.

In:     packs that were read
Out:    faults with file and line
Not:    YAML and shape (reading.py)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from clearway.core.errors import Faults
from clearway.core.schema import nearest
from clearway.records import RecordType, places_above, record_types
from clearway.rules import expressions as ex
from clearway.rules.conditions import Condition, Needs, Neither, Related, Span, Where
from clearway.rules.declared import Edition, Limit, Measure, Packs, Rule
from clearway.rules.periods import KINDS
from clearway.rules.resolving import NUMBERS, Names, UnknownNameError

_NEEDED = {
    "count": ("of",), "share": ("of", "match"), "sum": ("of", "value"), "ratio": ("value", "over"),
    "level": ("of",), "interval": ("of",), "duration": ("of", "clock"), "time": ("of", "start", "end"),
    "coverage": ("of", "among"), "register": ("among",),
}  # fmt: skip
_UNITS = {
    "interval": ("hours",), "time": ("share",), "coverage": ("share",), "share": ("share", "per-million"),
    "duration": ("hours", "days", "working-days"),
}  # fmt: skip
_UNIT_KINDS = frozenset(
    {"bureau", "operator", "sorting-centre", "outlet", "rural-outlet", "station", "exchange-office", "air-hub",
     "village", "vehicle", "locker"}
)  # fmt: skip


def check_packs(packs: Packs, faults: Faults, types: Mapping[str, RecordType] | None = None) -> None:
    """Collect every fault of several packs together."""
    known = types or record_types()
    for measure in packs.measures.values():
        _Checker(packs, faults, known, measure).measure()
    _circles(packs, faults)
    for rule in packs.rules.values():
        _check_rule(packs, faults, known, rule)


class _Checker:
    """One measure's definitions."""

    def __init__(self, packs: Packs, faults: Faults, types: Mapping[str, RecordType], measure: Measure) -> None:
        self.packs, self.faults, self.types, self.of = packs, faults, types, measure

    def fault(self, code: str, value: object = None, column: str | None = None, **details: object) -> None:
        self.faults.add(code, self.of.file, self.of.line, column or self.of.id, value, **details)

    def measure(self) -> None:
        for edition in self.of.editions:
            self._edition(edition)

    def _edition(self, edition: Edition) -> None:
        for part in (edition.value_of, edition.over_of):
            if part and part not in self.packs.measures:
                self.fault("unknown_measure", part, nearest=nearest(part, self.packs.measures))
        absent = [k for k in _NEEDED[edition.kind] if not self._given(edition, k)]
        if absent:
            self.fault("pack_missing", None, keys=", ".join(absent))
            return
        if edition.kind in _UNITS and self.of.unit not in _UNITS[edition.kind]:
            self.fault("unit_mismatch", self.of.unit, unit=self.of.unit, measure=self.of.id,
                       reason=f"a {edition.kind} is in {' or '.join(_UNITS[edition.kind])}")  # fmt: skip
        if edition.clock and edition.clock.calendar != self.of.unit:
            self.fault("unit_mismatch", self.of.unit, unit=self.of.unit, measure=self.of.id,
                       reason=f"its clock counts {edition.clock.calendar}")  # fmt: skip
        if edition.period not in KINDS:
            self.fault(
                "not_choice", edition.period, "per", choices=", ".join(KINDS), nearest=nearest(edition.period, KINDS)
            )
        if edition.period == "season" and not edition.season:
            self.fault("pack_missing", None, keys="season")
        if edition.of and edition.of not in self.types:
            self.fault("unknown_type", edition.of, "of", nearest=nearest(edition.of, self.types))
        elif edition.of:
            self._names(edition, Names(self.types[edition.of], self.types))
        units = Names(None, self.types)
        for tree in (edition.among, edition.expected.where if edition.expected else None):
            if tree is not None:
                self.expression(tree, units)
        if edition.held and edition.held not in self.types:
            self.fault("unknown_type", edition.held, "held", nearest=nearest(edition.held, self.types))
        elif edition.held_where is not None:
            self.expression(edition.held_where, Names(self.types[edition.held], self.types))

    @staticmethod
    def _given(edition: Edition, key: str) -> bool:
        if key == "of" and edition.value_of:
            return True
        if key in ("value", "over"):
            return bool(getattr(edition, key) or getattr(edition, f"{key}_of"))
        return getattr(edition, key) not in (None, "")

    def _names(self, edition: Edition, names: Names) -> None:
        for condition in (edition.base, edition.match, edition.adds, edition.takes):
            if condition is not None:
                self.condition(condition, names)
        unit = edition.unit_field
        if edition.kind in ("coverage", "register"):
            own = {"CN", "unit", "id", str(self.types[edition.of].unit)}
            if unit not in own:
                self.name(unit, Names(None, self.types))
        elif unit != "CN":
            self.name(unit, names)
        plain = [edition.subject, edition.distinct if edition.distinct != "day" else "", edition.start, edition.end,
                 edition.ripe, edition.sampled]  # fmt: skip
        for name in plain:
            if name:
                self.name(name, names)
        for name in (edition.value, edition.over):
            if name and self.name(name, names) not in (*NUMBERS, None):
                self.fault("unlike", name, left=name, right="a number")
        clock = edition.clock
        if clock is None:
            return
        self.name(clock.start, names)
        for name in clock.pause or ():
            self.name(name, names)
        if not clock.stop_type:
            self.name(clock.stop, names)
        elif clock.stop_type not in self.types:
            self.fault("unknown_type", clock.stop_type, "clock.stop", nearest=nearest(clock.stop_type, self.types))
        else:
            other = Names(self.types[clock.stop_type], self.types)
            self.name(clock.stop, other)
            self.name(clock.stop_on, other)
            if clock.stop_where is not None:
                self.condition(clock.stop_where, other)

    def name(self, name: str, names: Names) -> str | None:
        """The kind of a name; a fault where there is none."""
        try:
            return names.kind(name).kind
        except UnknownNameError as error:
            self.fault("unknown_name", error.name, nearest=error.near)
            return None

    def condition(self, condition: Condition, names: Names) -> None:
        match condition:
            case Where(tree):
                self.expression(tree, names)
            case Related(where, _, _, subject, same, between):
                for name in (subject, *same):
                    if name:
                        self.name(name, names)
                self.condition(where, names)
                if between is not None:
                    self.condition(between, names)
            case Needs(_, parts):
                for part in parts:
                    self.condition(part, names)
            case Neither(of):
                self.condition(of, names)
            case Span(start, end, _, _):
                self.name(start, names)
                self.name(end, names)

    def expression(self, tree: ex.Expression, names: Names) -> None:
        """Names that nothing has, comparisons of unlike kinds, words that a closed list lacks."""
        for part in _comparisons(tree):
            operands = (part.left, part.right) if isinstance(part, ex.Compare) else (part.of, *part.values)
            groups = [self._group(o, names) for o in operands]
            known = [(g, o) for g, o in zip(groups, operands) if g is not None]
            for group, operand in known[1:]:
                if group != known[0][0]:
                    self.fault("unlike", None, left=_words(known[0][1]), right=_words(operand))
            fields = [o for o in operands if isinstance(o, ex.Field)]
            for field in fields:
                self._choices(field, operands, names)

    def _group(self, operand: ex.Operand, names: Names) -> str | None:
        match operand:
            case ex.Field(name):
                try:
                    return names.kind(name).group
                except UnknownNameError as error:
                    self.fault("unknown_name", error.name, nearest=error.near)
                    return None
            case ex.Rank(table, of):
                self._group(of, names)
                if table not in self.packs.ranks:
                    self.fault(
                        "unknown_name", table, nearest=nearest(table, self.packs.ranks) if self.packs.ranks else ""
                    )
                return "number"
            case ex.Constant(value):
                if isinstance(value, bool):
                    return None  # yes and no are words of some lists and values of others
                return "number" if isinstance(value, int | float) else "text" if isinstance(value, str) else "time"

    def _choices(self, field: ex.Field, operands: Iterable[ex.Operand], names: Names) -> None:
        try:
            kind = names.kind(field.name)
        except UnknownNameError:
            return
        for operand in operands:
            if not isinstance(operand, ex.Constant) or isinstance(operand.value, bool) or not kind.choices:
                continue
            if str(operand.value) not in kind.choices:
                self.fault("not_choice", operand.value, field.name, choices=", ".join(kind.choices),
                               nearest=nearest(str(operand.value), kind.choices))  # fmt: skip


def _words(operand: ex.Operand) -> str:
    match operand:
        case ex.Field(name):
            return name
        case ex.Constant(value):
            return repr(value)
        case ex.Rank(table, _):
            return f"rank({table})"


def _comparisons(tree: ex.Expression) -> Iterable[ex.Compare | ex.Among]:
    match tree:
        case ex.Compare() | ex.Among():
            yield tree
        case ex.Present(of):
            yield ex.Among(of, ())
        case ex.Not(of):
            yield from _comparisons(of)
        case ex.All(parts) | ex.Any(parts):
            for part in parts:
                yield from _comparisons(part)


def _circles(packs: Packs, faults: Faults) -> None:
    """Measures that are formed of themselves."""
    uses = {
        name: {p for e in m.editions for p in (e.value_of, e.over_of) if p in packs.measures}
        for name, m in packs.measures.items()
    }
    told: set[str] = set()
    for start in uses:
        path = [start]
        if _back_to(start, start, uses, path, set()) and not told & set(path):
            told |= set(path)
            measure = packs.measures[start]
            faults.add("measure_circle", measure.file, measure.line, None, start, circle=" -> ".join(path))


def _back_to(goal: str, at: str, uses: Mapping[str, set[str]], path: list[str], seen: set[str]) -> bool:
    for part in sorted(uses[at]):
        path.append(part)
        if part == goal:
            return True
        if part not in seen:
            seen.add(part)
            if _back_to(goal, part, uses, path, seen):
                return True
        path.pop()
    return False


def _check_rule(packs: Packs, faults: Faults, types: Mapping[str, RecordType], rule: Rule) -> None:
    def fault(code: str, value: object = None, **details: object) -> None:
        faults.add(code, rule.file, rule.line, rule.id, value, **details)

    if rule.measure not in packs.measures:
        fault("unknown_measure", rule.measure, nearest=nearest(rule.measure, packs.measures))
        return
    measure = packs.measures[rule.measure]
    checker = _Checker(packs, faults, types, Measure(rule.id, rule.title, "", "", (), rule.pack, rule.file, rule.line))
    units = Names(None, types)
    for tree in (rule.scope.where, *(c.when for x in rule.limits for c in x.cases)):
        if tree is not None:
            checker.expression(tree, units)
    for kind in rule.scope.kinds:
        if kind not in _UNIT_KINDS:
            fault("not_choice", kind, choices=", ".join(sorted(_UNIT_KINDS)), nearest=nearest(kind, _UNIT_KINDS))
    for limit in rule.limits:
        _check_limit(fault, rule, measure, limit)
    held = [x for x in rule.limits if not x.ended]
    if held and measure.editions and held[0].first < measure.editions[0].first:
        fault("value_before", held[0].first, measure=measure.id, first=measure.editions[0].first)
    if measure.editions and held and all(x.last < measure.editions[0].first for x in held):
        fault("never_applies", None, reason="all its values end before its measure is defined")
    expected = measure.editions[-1].expected if measure.editions else None
    if rule.scope.kinds and expected and expected.kinds and not set(rule.scope.kinds) & set(expected.kinds):
        fault("never_applies", None, reason="no kind of its scope is expected to report what it is judged by")
    _check_replaced(packs, fault, rule)


def _check_limit(fault: object, rule: Rule, measure: Measure, limit: Limit) -> None:
    assert callable(fault)
    for case in limit.cases:
        for bound in (case.at_least, case.at_most):
            if bound is not None and measure.unit == "share" and not 0 <= bound <= 1:
                fault("unit_mismatch", bound, unit="share", measure=measure.id, reason="a share is between 0 and 1")
            if bound is not None and bound < 0:
                fault("unit_mismatch", bound, unit=measure.unit, measure=measure.id, reason="it is below 0")
        if case.at_least is not None and case.at_most is not None and case.at_least > case.at_most:
            fault("never_applies", limit.first, reason="at_least is above at_most")


def _check_replaced(packs: Packs, fault: object, rule: Rule) -> None:
    """A local value must be allowed by the rule whose value it replaces."""
    assert callable(fault)
    if not rule.replaces:
        return
    if rule.replaces not in packs.rules:
        fault("unknown_rule", rule.replaces, nearest=nearest(rule.replaces, packs.rules))
        return
    base = packs.rules[rule.replaces]
    if base.local in ("fixed", "adds"):
        fault("local_fixed", rule.replaces, rule=rule.replaces, local=base.local)
    if not rule.scope.places:
        fault("pack_missing", None, keys="scope.place")
    elif not all(base.authority in places_above(p) for p in rule.scope.places):
        fault("local_outside", rule.replaces, rule=rule.replaces, place=base.authority)
    for limit in rule.limits:
        above = base.limit_on(limit.first)
        if limit.ended or above is None or base.local == "free":
            continue
        if _tighter(limit, above) != (base.local == "tighten") and not _same(limit, above):
            fault("local_direction", limit.first, rule=rule.replaces, local=base.local)


def _same(one: Limit, other: Limit) -> bool:
    return [(c.at_least, c.at_most) for c in one.cases] == [(c.at_least, c.at_most) for c in other.cases]


def _tighter(one: Limit, other: Limit) -> bool:
    mine, above = one.cases[-1], other.cases[-1]
    if above.at_least is not None:
        return mine.at_least is not None and mine.at_least >= above.at_least
    return mine.at_most is not None and above.at_most is not None and mine.at_most <= above.at_most

"""What names in expressions mean: fields of a record type, of the register row as of its time, or of a unit.

In:     a record type (or a unit), names
Out:    the kind of a name and its choices; expressions whose constants have the type of what they are compared with
Not:    evaluating

    FIELD                       of the record
    FIELD.ATTRIBUTE             of the unit or place that the field names: kind, parent, operator, place, storage,
                                name, district (whether it lies in a district of a city); of places city, province
    season.NAME                 whether a season of that name holds at the record's unit
    zone.level                  level of the zone around the unit, of the smallest place that has one
    weather.tmax_c, .signal     of the day at the unit
    calendar.workday            whether the day is a working day there; Monday to Friday where no register says
    agreement.filed             of the agreement in force between agreement_client and facility
    headcount.persons           persons of all posts at the unit

In expressions over units (scope, among, expected, when) the first two are simply kind, parent, operator, place …
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from clearway.core.schema import nearest
from clearway.records import RecordType
from clearway.rules import expressions as ex
from clearway.rules.conditions import Condition, Needs, Neither, Related, Span, Where

UNIT_ATTRIBUTES = ("kind", "parent", "operator", "place", "storage", "name", "city", "province", "district")
PLACE_ATTRIBUTES = ("city", "province")
AROUND = {
    ("zone", "level"): "one of",
    ("weather", "tmax_c"): "degC",
    ("weather", "signal"): "text",
    ("calendar", "workday"): "yes/no",
    ("agreement", "filed"): "yes/no",
    ("headcount", "persons"): "persons",
}
ZONES = ("high", "medium", "low", "controlled")
SEASONS = ("peak", "spring-festival", "major-event", "epidemic", "flood")
NUMBERS = frozenset({"parcels", "persons", "items", "units", "number", "h", "CNY", "days", "degC", "year"})
TIMES = frozenset({"timestamp", "date"})
# words of ordered lists, lowest first, by the list's name
Ranks = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Kind:
    """What a name holds; ``choices`` where it is a closed list."""

    kind: str
    choices: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """Kinds that may be compared: number, time, yes/no or text."""
        if self.kind in NUMBERS:
            return "number"
        return "time" if self.kind in TIMES else "yes/no" if self.kind == "yes/no" else "text"


class UnknownNameError(ValueError):
    """A name that nothing has; ``near`` is the known one nearest to it."""

    def __init__(self, name: str, near: str) -> None:
        super().__init__(name)
        self.name, self.near = name, near


class Names:
    """Names of one record type, or with ``None`` of units of the register."""

    def __init__(self, rtype: RecordType | None, types: Mapping[str, RecordType]) -> None:
        self.rtype, self.unit = rtype, types["unit"]

    def kind(self, name: str) -> Kind:
        """What a name holds.

        Raises
        ------
        UnknownNameError
            With the nearest known name.
        """
        head, _, tail = name.partition(".")
        if not tail:
            return self._plain(head)
        if head == "season":
            if tail in SEASONS:
                return Kind("yes/no")
            raise UnknownNameError(name, f"season.{nearest(tail, SEASONS)}")
        if (head, tail) in AROUND:
            return Kind(AROUND[head, tail], ZONES if head == "zone" else ())
        if self.rtype is not None and head in self.rtype.names:
            kind = self.rtype[head].kind
            attributes = {"unit": UNIT_ATTRIBUTES, "place": PLACE_ATTRIBUTES}.get(kind, ())
            if tail in attributes:
                return self._attribute(tail)
            raise UnknownNameError(name, f"{head}.{nearest(tail, attributes)}" if attributes else head)
        raise UnknownNameError(name, nearest(name, self.known()))

    def known(self) -> list[str]:
        """Every name there is."""
        around = [".".join(pair) for pair in AROUND] + [f"season.{s}" for s in SEASONS]
        if self.rtype is None:
            return [*UNIT_ATTRIBUTES, *around]
        dotted = [
            f"{f.name}.{a}"
            for f in self.rtype.fields
            for a in {"unit": UNIT_ATTRIBUTES, "place": PLACE_ATTRIBUTES}.get(f.kind, ())
        ]
        return [*self.rtype.names, *dotted, *around]

    def _plain(self, name: str) -> Kind:
        if self.rtype is None:
            if name in UNIT_ATTRIBUTES:
                return self._attribute(name)
            raise UnknownNameError(name, nearest(name, self.known()))
        if name in self.rtype.names:
            field = self.rtype[name]
            return Kind("one of" if field.choices else field.kind, field.choices)
        raise UnknownNameError(name, nearest(name, self.known()))

    def _attribute(self, name: str) -> Kind:
        if name in ("city", "province"):
            return Kind("place")
        if name == "district":
            return Kind("yes/no")
        return Kind(self.unit[name].kind)

    # ------------------------------------------------------------ constants

    def typed(self, tree: ex.Expression) -> ex.Expression:
        """The same tree with yes and no as the words of closed lists where they are compared with such."""
        match tree:
            case ex.Compare(sign, left, right):
                return ex.Compare(sign, self._beside(left, right), self._beside(right, left))
            case ex.Among(of, values):
                return ex.Among(of, tuple(self._constant(v, of) for v in values))
            case ex.Not(of):
                return ex.Not(self.typed(of))
            case ex.All(parts):
                return ex.All(tuple(self.typed(p) for p in parts))
            case ex.Any(parts):
                return ex.Any(tuple(self.typed(p) for p in parts))
            case _:
                return tree

    def _beside(self, operand: ex.Operand, other: ex.Operand) -> ex.Operand:
        return self._constant(operand, other) if isinstance(operand, ex.Constant) else operand

    def _constant(self, constant: ex.Constant, other: ex.Operand) -> ex.Constant:
        if isinstance(constant.value, bool) and isinstance(other, ex.Field):
            kind = self.kind(other.name)
            if kind.group == "text":
                return ex.Constant("yes" if constant.value else "no")
        return constant

    def typed_condition(self, condition: Condition, subject: str = "") -> Condition:
        """The same condition with typed constants and its subject filled in."""
        match condition:
            case Where(tree):
                return Where(self.typed(tree))
            case Related(where, _, _, own, _, between):
                inner = None if between is None else self.typed_condition(between, subject)
                typed = self.typed_condition(where, subject)
                return replace(condition, where=typed, subject=own or subject, between=inner)
            case Needs(count, parts):
                return Needs(count, tuple(self.typed_condition(p, subject) for p in parts))
            case Neither(of):
                return Neither(self.typed_condition(of, subject))
            case Span():
                return condition

"""The expressions of packs: comparisons of fields, register fields and constants, nothing else.

In:     text such as ``step = 'accepted' and item_class not in ('letter', 'newspaper')``
Out:    a tree of comparisons; the fields it uses
Not:    what fields there are (typing.py), how it is evaluated (compiled, oracle)
Words:  field = of the record, or of a register as of the record's time: ``facility.kind``, ``weather.tmax_c``

A comparison with a value that is missing is false, so each comparison is true or false and ``not`` turns it round.

    expression = conjunction { "or" conjunction }
    conjunction = negation { "and" negation }
    negation = "not" negation | "(" expression ")" | comparison
    comparison = operand ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) operand
               | operand [ "not" ] "in" "(" constant { "," constant } ")"
               | operand [ "not" ] "between" operand "and" operand
               | operand "is" ( "missing" | "present" ) | field
    operand = field | constant | "rank" "(" name "," operand ")"
    constant = number | 'text' | date | "yes" | "no"
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

Value = str | int | float | bool | date | datetime

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<day>\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?)?)|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*)|(?P<sign><=|>=|!=|[=<>(),]))"
)
_WORDS = frozenset({"and", "or", "not", "in", "between", "is", "missing", "present", "yes", "no", "rank"})
COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")


class GrammarError(ValueError):
    """Text that is no expression; ``at`` is where in it."""

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(reason)
        self.at = at


@dataclass(frozen=True)
class Field:
    """A field of the record, or through a dot one of a register."""

    name: str

    @property
    def parts(self) -> tuple[str, ...]:
        """What stands before and after the dot."""
        return tuple(self.name.split(".", 1))


@dataclass(frozen=True)
class Constant:
    """A number, a text, a day, yes or no."""

    value: Value


@dataclass(frozen=True)
class Rank:
    """Where a value stands in a table of the pack, from 0."""

    table: str
    of: Field | Constant


Operand = Field | Constant | Rank


@dataclass(frozen=True)
class Compare:
    """``left sign right``."""

    sign: str
    left: Operand
    right: Operand


@dataclass(frozen=True)
class Among:
    """``of in (…)``."""

    of: Operand
    values: tuple[Constant, ...]


@dataclass(frozen=True)
class Present:
    """``of is present``."""

    of: Operand


@dataclass(frozen=True)
class Not:
    """The other way round."""

    of: Expression


@dataclass(frozen=True)
class All:
    """Every one of them."""

    of: tuple[Expression, ...]


@dataclass(frozen=True)
class Any:
    """One of them or more."""

    of: tuple[Expression, ...]


Expression = Compare | Among | Present | Not | All | Any


def parse(text: str) -> Expression:
    """The tree of an expression.

    Raises
    ------
    GrammarError
        With what is wrong and where in the text.
    """
    return _Parser(text).whole()


def fields_of(tree: Expression | Operand) -> Iterator[Field]:
    """Every field that is used, in order."""
    match tree:
        case Field():
            yield tree
        case Compare(_, left, right):
            yield from fields_of(left)
            yield from fields_of(right)
        case Among(of, _) | Present(of) | Not(of) | Rank(_, of):
            yield from fields_of(of)
        case All(parts) | Any(parts):
            for part in parts:
                yield from fields_of(part)


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str, int]] = []
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if not found:
                rest = text[at:].lstrip()
                if not rest:
                    break
                raise GrammarError(f"{rest[:20]!r} is no part of an expression", len(text) - len(rest))
            kind = str(found.lastgroup)
            word, start = found[kind], found.start(kind)
            if kind == "name" and word in _WORDS:
                kind = "word"
            self.tokens.append((kind, word, start))
            at = found.end()
        self.end = len(text)
        self.at = 0

    def whole(self) -> Expression:
        tree = self.expression()
        if self.at < len(self.tokens):
            _, word, at = self.tokens[self.at]
            raise GrammarError(f"{word!r} comes where the expression could end", at)
        return tree

    def peek(self) -> str:
        """The next word or sign; fields and constants give their kind."""
        if self.at >= len(self.tokens):
            return ""
        kind, word, _ = self.tokens[self.at]
        return word if kind in ("word", "sign") else kind

    def take(self, *wanted: str) -> str:
        """The next token, which must be one of those wanted."""
        seen = self.peek()
        if seen not in wanted:
            at = self.tokens[self.at][2] if self.at < len(self.tokens) else self.end
            word = self.tokens[self.at][1] if self.at < len(self.tokens) else "the end"
            raise GrammarError(f"{word!r} stands where {' or '.join(repr(w) for w in wanted)} must", at)
        word = self.tokens[self.at][1]
        self.at += 1
        return word

    def expression(self) -> Expression:
        parts = [self.conjunction()]
        while self.peek() == "or":
            self.at += 1
            parts.append(self.conjunction())
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def conjunction(self) -> Expression:
        parts = [self.negation()]
        while self.peek() == "and":
            self.at += 1
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def negation(self) -> Expression:
        if self.peek() == "not":
            self.at += 1
            return Not(self.negation())
        if self.peek() == "(":
            self.at += 1
            tree = self.expression()
            self.take(")")
            return tree
        return self.comparison()

    def comparison(self) -> Expression:
        left = self.operand()
        seen = self.peek()
        if seen in COMPARISONS:
            self.at += 1
            return Compare(seen, left, self.operand())
        if seen == "is":
            self.at += 1
            state: Expression = Present(left)
            return state if self.take("missing", "present") == "present" else Not(state)
        negated = seen == "not"
        if negated:
            self.at += 1
            seen = self.peek()
        tree: Expression
        if seen == "in":
            self.at += 1
            tree = Among(left, self.constants())
        elif seen == "between":
            self.at += 1
            low = self.operand()
            self.take("and")
            tree = All((Compare(">=", left, low), Compare("<=", left, self.operand())))
            negated, tree = False, (Not(tree) if negated else tree)
        elif negated or not isinstance(left, Field):
            self.take("in", "between", *COMPARISONS)
            raise AssertionError
        else:
            return Compare("=", left, Constant(True))
        return Not(tree) if negated else tree

    def constants(self) -> tuple[Constant, ...]:
        self.take("(")
        found = [self.constant()]
        while self.peek() == ",":
            self.at += 1
            found.append(self.constant())
        self.take(")")
        return tuple(found)

    def operand(self) -> Operand:
        seen = self.peek()
        if seen == "name":
            self.at += 1
            return Field(self.tokens[self.at - 1][1])
        if seen == "rank":
            self.at += 1
            self.take("(")
            table = self.take("name")
            self.take(",")
            inner = self.tokens[self.at][2] if self.at < len(self.tokens) else self.end
            of = self.operand()
            self.take(")")
            if isinstance(of, Rank):
                raise GrammarError("a rank of a rank is no operand", inner)
            return Rank(table, of)
        return self.constant()

    def constant(self) -> Constant:
        at = self.tokens[self.at][2] if self.at < len(self.tokens) else self.end
        kind = self.peek()
        word = self.take("number", "text", "day", "yes", "no")
        if kind == "number":
            return Constant(float(word) if "." in word else int(word))
        if kind == "text":
            return Constant(word[1:-1].replace("''", "'"))
        if kind == "day":
            try:
                return Constant(datetime.fromisoformat(word) if "T" in word else date.fromisoformat(word))
            except ValueError:
                raise GrammarError(f"{word!r} is no day of the calendar", at) from None
        return Constant(word == "yes")

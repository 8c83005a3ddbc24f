"""The error tree, and faults: what is wrong with an input, where, and what would be right.

In:     codes of core/messages.toml with the place they occurred
Out:    Fault, Faults (a collector), InputError (every fault at once)
Not:    printing (cli), deciding what is a fault (each room's reader)
Words:  fault = one thing wrong in one place; warning = allowed, but worth a look

    ClearwayError
    ├── InputError          the input is wrong; carries every fault
    ├── PlanError           a plan cannot be made, read or checked
    └── SimulationError     a simulation cannot be run, or lost count
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

KEPT_FAULTS = 100_000
SHOWN_FAULTS = 50


class ClearwayError(Exception):
    """Base of every error Clearway raises on purpose."""


class PlanError(ClearwayError):
    """A plan cannot be made, read or checked; the message says why and what to do."""


class SimulationError(ClearwayError):
    """A simulation cannot be run, or its parcels do not add up; the message says why."""


@cache
def _catalogue() -> dict[str, dict[str, str]]:
    text = files("clearway.core").joinpath("messages.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True)
class Fault:
    """One thing wrong in one place.

    ``row`` counts like a spreadsheet: the header is row 1. ``None`` where a part does not apply.
    """

    code: str
    file: str
    row: int | None = None
    column: str | None = None
    value: str | None = None
    details: tuple[tuple[str, Any], ...] = ()

    def problem(self, lang: str = "en") -> str:
        """What is wrong and what would be right, in ``en`` or ``zh``."""
        return _catalogue()[self.code][lang].format(value=self.value, column=self.column, **dict(self.details))

    def where(self, lang: str = "en") -> str:
        """File, row and column as one phrase."""
        row, column = ("row", "column") if lang == "en" else ("行", "列")
        parts = [self.file]
        if self.row is not None:
            parts.append(f"{row} {self.row}")
        if self.column is not None:
            parts.append(f"{column} {self.column}")
        return ", ".join(parts)

    def text(self, lang: str = "en") -> str:
        """The whole fault on one line."""
        seen = "" if self.value is None else f" {self.value!r}"
        return f"{self.where(lang)}:{seen} {self.problem(lang)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON and CSV."""
        return {
            "file": self.file,
            "row": self.row,
            "column": self.column,
            "value": self.value,
            "code": self.code,
            "problem": self.problem(),
            "problem_zh": self.problem("zh"),
        }


class InputError(ClearwayError):
    """The input is wrong. ``faults`` holds every fault found, in reading order.

    Beyond 100,000 faults only their number is kept (``total``).
    """

    def __init__(self, faults: Sequence[Fault], total: int | None = None) -> None:
        self.faults = tuple(faults)
        self.total = len(self.faults) if total is None else total
        super().__init__(self.summary())

    def summary(self, lang: str = "en", limit: int = SHOWN_FAULTS) -> str:
        """The first ``limit`` faults, a line each, and how many more there are."""
        lines = [fault.text(lang) for fault in self.faults[:limit]]
        if self.total > limit:
            more = self.total - limit
            lines.append(f"… and {more} more" if lang == "en" else f"…… 还有 {more} 处")
        return "\n".join(lines)


@dataclass
class Faults:
    """Collects faults and warnings while one input is read; ``require`` raises them together."""

    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    total: int = 0

    def add(
        self,
        code: str,
        file: str,
        row: int | None = None,
        column: str | None = None,
        value: object = None,
        **details: Any,
    ) -> None:
        """Note a fault; ``code`` is a key of core/messages.toml, ``details`` fill its text."""
        self.total += 1
        if not self.full:
            self.faults.append(_fault(code, file, row, column, value, details))

    def warn(
        self,
        code: str,
        file: str,
        row: int | None = None,
        column: str | None = None,
        value: object = None,
        **details: Any,
    ) -> None:
        """Note something that is allowed but that the reader should see."""
        self.warnings.append(_fault(code, file, row, column, value, details))

    @property
    def full(self) -> bool:
        """Whether further faults are only counted."""
        return len(self.faults) >= KEPT_FAULTS

    def __iter__(self) -> Iterator[Fault]:
        return iter(self.faults)

    def __bool__(self) -> bool:
        return bool(self.faults)

    def require(self) -> None:
        """Raise :class:`InputError` with everything collected, if anything was."""
        if self.faults:
            raise InputError(self.faults, self.total)


def _fault(code: str, file: str, row: int | None, column: str | None, value: object, details: dict[str, Any]) -> Fault:
    seen = None if value is None else str(value)
    return Fault(code, file, row, column, seen, tuple(details.items()))

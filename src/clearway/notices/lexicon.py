"""The words the reader goes by: the package's own files, and a folder that adds to them.

In:     lexicon/*.toml, lexicon/phrases.txt, a folder of files with the same names
Out:    Lexicon: plain values by file; patterns as text
Not:    what the words are used for (each step compiles its own)
Words:  lexicon/README.md
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator
from datetime import date
from functools import cache
from importlib.resources import files
from operator import add
from pathlib import Path
from typing import Any

from clearway.core.errors import Faults

TABLES = ("page", "characters", "orders", "topics", "periods", "repairs")
PHRASES = "phrases.txt"
_PLAIN = re.compile(r"(?:[㐀-鿿“”A-Za-z0-9、](?![?*{]))+")


class Lexicon:
    """Values of the lexicon by file; equal folders give equal values."""

    def __init__(self, tables: dict[str, dict[str, Any]], phrases: tuple[str, ...]) -> None:
        self.tables = tables
        self.phrases = phrases

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self.tables[name]

    def pattern(self, table: str, key: str) -> re.Pattern[str]:
        """A list of patterns as one."""
        return any_of(self.tables[table][key])

    @staticmethod
    @cache
    def standard() -> Lexicon:
        """The package's own words."""
        folder = files("clearway.notices").joinpath("lexicon")
        tables = {name: tomllib.loads(folder.joinpath(f"{name}.toml").read_text(encoding="utf-8")) for name in TABLES}
        return Lexicon(tables, _phrases(folder.joinpath(PHRASES).read_text(encoding="utf-8")))

    @staticmethod
    def read(folder: Path) -> Lexicon:
        """The package's words and those of a folder; raises InputError with every fault of the folder."""
        own, faults = Lexicon.standard(), Faults()
        tables = {name: dict(table) for name, table in own.tables.items()}
        phrases = own.phrases
        if not folder.is_dir():
            faults.add("not_folder", str(folder))
        known = [f"{name}.toml" for name in TABLES] + [PHRASES]
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if path.name not in known:
                if path.suffix in (".toml", ".txt"):
                    nearest = difflib.get_close_matches(path.name, known, 1, 0)[0]
                    faults.add("unknown_lexicon", str(path), nearest=nearest)
                continue
            try:
                text = path.read_text(encoding="utf-8-sig")
                added = {} if path.name == PHRASES else tomllib.loads(text)
            except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
                faults.add("unreadable", str(path), reason=str(error))
                continue
            if path.name == PHRASES:
                phrases = tuple(dict.fromkeys((*phrases, *_phrases(text))))
            else:
                _merge(tables[path.stem], added, path, faults, open_=path.stem in ("topics", "characters", "periods"))
                _check(path.stem, added, path, faults)
        faults.require()
        return Lexicon(tables, phrases)


def _check(name: str, added: dict[str, Any], path: Path, faults: Faults) -> None:
    """What an added table must hold beyond its shape, so that a reader can be made of it."""
    for brand in added.get("spam_brands", []) if name == "page" else []:
        leads = leads_of(brand) if _compiles(brand) else None
        if not (re.search("[A-Za-z]", brand) if leads is None else all(len(lead) > 1 for lead in leads)):
            faults.add(
                "lexicon_value", str(path), None, "spam_brands", brand, needed="two plain characters at its start"
            )
    for topic, table in added.items() if name == "topics" else []:
        known = isinstance(table, dict) and topic in Lexicon.standard()["topics"]
        words = table.get("words", {}) if isinstance(table, dict) else None
        if not isinstance(words, dict) or (not known and not {"zh", "en", "words"} <= table.keys()):
            faults.add("lexicon_value", str(path), None, topic, table, needed="zh, en and words = { pattern = weight }")
            continue
        for word, weight in words.items():
            if not _compiles(word) or isinstance(weight, bool) or not isinstance(weight, int | float):
                faults.add(
                    "lexicon_value", str(path), None, topic, f"{word} = {weight}", needed="a pattern and a number"
                )
    for part, length in (("variants", 1), ("words", None)) if name == "characters" else ():
        pairs = added.get(part, {})
        for old, new in pairs.items() if isinstance(pairs, dict) else ():
            if not isinstance(new, str) or len(old) != (length or len(new)) or len(old) != len(new):
                needed = "one character on both sides" if length else "as many characters on both sides"
                faults.add("lexicon_value", str(path), None, part, f"{old} = {new}", needed=needed)
    for holiday, years in added.get("holidays", {}).items() if name == "periods" else ():
        for year, days in years.items() if isinstance(years, dict) else ((None, years),):
            if not (isinstance(days, list) and len(days) == 2 and all(_is_day(day) for day in days)):
                faults.add(
                    "lexicon_value", str(path), None, f"{holiday} {year}", days, needed="two days such as 2027-02-06"
                )


def _compiles(pattern: Any) -> bool:
    try:
        re.compile(pattern)
    except (re.error, TypeError):
        return False
    return True


def _is_day(day: Any) -> bool:
    try:
        return isinstance(day, str) and bool(date.fromisoformat(day))
    except ValueError:
        return False


def any_of(patterns: list[str]) -> re.Pattern[str]:
    """One pattern that finds any of several; one that finds nothing where there are none."""
    return re.compile(_hinted(patterns) if patterns else r"(?!)")


def _hinted(patterns: list[str]) -> str:
    """Several patterns as one that looks at a place's first character before it tries any of them."""
    whole = "|".join(f"(?:{p})" for p in patterns)
    leads = [leads_of(p) for p in patterns]
    if not all(leads):
        return whole
    firsts = sorted({lead[0] for found in leads if found for lead in found})
    return f"(?=[{re.escape(''.join(firsts))}])(?:{whole})"


class AnyOf:
    """Patterns of which any may be found; those that hold at the start are tried there alone, which is far quicker."""

    __slots__ = ("_hinted", "_others", "_start")

    def __init__(self, patterns: list[str]) -> None:
        start = [p for p in patterns if p.startswith("^") and len(_alternatives(p)) == 1]
        anywhere = [p for p in patterns if p not in start]
        self._start = any_of([p[1:] for p in start]) if start else None
        hinted = [p for p in anywhere if leads_of(p)]
        others = [p for p in anywhere if p not in hinted]
        self._hinted = any_of(hinted) if hinted else None
        self._others = any_of(others) if others else None

    def search(self, text: str) -> re.Match[str] | None:
        """The first match found, those at the start before others."""
        found = self._start.match(text) if self._start is not None else None
        if found is None and self._hinted is not None:
            found = self._hinted.search(text)
        if found is None and self._others is not None:
            found = self._others.search(text)
        return found


def leads_of(pattern: str) -> frozenset[str] | None:
    """The plain text with which all that a pattern can match begins; None where that cannot be told.

    Looking whether a text has them is far quicker than searching it.
    """
    leads: set[str] = set()
    for part in _alternatives(pattern):
        if part.startswith("(?:"):
            close = _closing(part)
            if part[close + 1 : close + 2] in ("?", "*", "{"):
                return None
            inner = leads_of(part[3:close])
            if inner is None:
                return None
            leads |= inner
            continue
        plain = _PLAIN.match(part)
        if plain is None:
            return None
        leads.add(plain[0])
    return frozenset(leads)


def pairs_in(text: str) -> Iterator[str]:
    """Every two characters side by side: what two-character leads are compared with."""
    return map(add, text, text[1:])


def _alternatives(pattern: str) -> list[str]:
    parts, depth, start, at = [], 0, 0, 0
    while at < len(pattern):
        c = pattern[at]
        if c == "\\":
            at += 1
        elif c in "([":
            depth += 1
        elif c in ")]":
            depth -= 1
        elif c == "|" and depth == 0:
            parts.append(pattern[start:at])
            start = at + 1
        at += 1
    return [*parts, pattern[start:]]


def _closing(part: str) -> int:
    """Where the bracket that opens a part closes."""
    depth = 0
    for at, c in enumerate(part):
        depth += (c == "(") - (c == ")")
        if depth == 0:
            return at
    return len(part)


def _phrases(text: str) -> tuple[str, ...]:
    lines = (line.strip() for line in text.splitlines())
    return tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))


def _merge(table: dict[str, Any], added: dict[str, Any], path: Path, faults: Faults, open_: bool, at: str = "") -> None:
    """Add to a table in place: lists are appended, tables merged, single values replaced."""
    for key, value in added.items():
        if key not in table and not open_:
            nearest = difflib.get_close_matches(key, table, 1, 0)
            faults.add("unknown_key", str(path), None, at + key, None, nearest=nearest[0] if nearest else "-")
            continue
        old = table.get(key)
        if old is not None and type(old) is not type(value):
            faults.add("other_kind", str(path), None, at + key, value, kind=type(old).__name__)
            continue
        for pattern in value if isinstance(value, list) else []:
            if isinstance(pattern, str):
                try:
                    re.compile(pattern)
                except re.error as error:
                    faults.add("not_pattern", str(path), None, at + key, pattern, reason=str(error))
        if isinstance(value, list):
            table[key] = [*(old or []), *value]
        elif isinstance(value, dict):
            table[key] = dict(old or {})
            _merge(table[key], value, path, faults, True, f"{at}{key}.")
        else:
            table[key] = value

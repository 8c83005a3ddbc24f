"""Packs read from their folders: YAML into declarations, every fault with file and line.

In:     folders with pack.yaml and topic files
Out:    Packs
Not:    whether names and units fit (checking.py)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import xxhash

from clearway.core.errors import Faults
from clearway.core.schema import nearest
from clearway.rules.conditions import Condition, Needs, Neither, Related, Span, Where, both, parse_span, related_in
from clearway.rules.declared import (
    FAR,
    LOOK_BACK,
    Case,
    Clock,
    Edition,
    Expected,
    Gap,
    Limit,
    Measure,
    Pack,
    Packs,
    Rule,
    RuleCase,
    Scope,
    Title,
)  # fmt: skip
from clearway.rules.expressions import Expression, GrammarError, parse
from clearway.rules.shape import is_shaped
from clearway.rules.yaml_lines import Document, read_yaml
from clearway.rules.yaml_lines import Path as Steps

BUILT_IN = ("cn", "cn-epidemic")
_ENDS = timedelta(days=1)


def pack_folder(name: str) -> Path:
    """The folder of a pack: a built-in name or a path.

    Raises
    ------
    InputError
        If there is none; with the nearest name.
    """
    if name in BUILT_IN:
        return Path(str(files("clearway.packs").joinpath(name)))
    folder = Path(name)
    if not (folder / "pack.yaml").is_file():
        faults = Faults()
        faults.add("no_pack", "--pack", None, None, name, nearest=nearest(name, BUILT_IN))
        faults.require()
    return folder


def load_packs(names: Sequence[str] = BUILT_IN, *, check: bool = False) -> Packs:
    """Packs by name or folder, with those they need.

    Parameters
    ----------
    check
        Also check built-in packs in full; others always are.

    Raises
    ------
    InputError
        With every fault of every file.
    """
    faults, packs, wanted = Faults(), [], list(dict.fromkeys(names))
    seen: set[Path] = set()
    strict = check
    for name in wanted:
        folder = pack_folder(name)
        if folder.resolve() in seen:
            continue
        seen.add(folder.resolve())
        own = name not in BUILT_IN
        strict = strict or own
        pack = _read_pack(folder, faults, schema=check or own)
        if pack is not None:
            packs.append(pack)
            wanted.extend(n for n in pack.needs if n not in wanted)
    faults.require()
    together = _together(packs, faults)
    faults.require()
    if strict:
        from clearway.rules.checking import check_packs

        check_packs(together, faults)
        faults.require()
    return together


def _together(packs: Sequence[Pack], faults: Faults) -> Packs:
    measures: dict[str, Measure] = {}
    rules: dict[str, Rule] = {}
    ranks: dict[str, tuple[str, ...]] = {}
    owners: dict[tuple[str, str], str] = {}
    for pack in sorted(packs, key=lambda p: p.id not in BUILT_IN):
        declared: tuple[tuple[str, Mapping[str, Measure | Rule]], ...]
        declared = (("measure", pack.measures), ("rule", pack.rules))
        for kind, mine in declared:
            for name, thing in mine.items():
                owner = owners.setdefault((kind, name), pack.id)
                if owner != pack.id:
                    faults.add("pack_over", thing.file, thing.line, kind, name, pack=owner)
        measures.update(pack.measures)
        rules.update(pack.rules)
        ranks.update(pack.ranks)
    return Packs(tuple(packs), measures, rules, ranks)


def _read_pack(folder: Path, faults: Faults, *, schema: bool) -> Pack | None:
    before = len(faults.faults)
    digest = xxhash.xxh3_64()
    documents = []
    for path in [folder / "pack.yaml", *sorted(p for p in folder.glob("*.yaml") if p.name != "pack.yaml")]:
        name = f"{folder.name}/{path.name}"
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            faults.add("not_utf8", name)
            continue
        digest.update(text.encode())
        document = read_yaml(text, name, faults)
        if document is None:
            continue
        if not isinstance(document.value, dict):
            faults.add("pack_shape", name, 1, None, None, reason="must be a mapping")
        elif not schema or is_shaped(document, "pack" if path.name == "pack.yaml" else "topic", faults):
            documents.append(document)
    if len(faults.faults) > before:
        return None
    head = documents[0].value
    reader = _Reader(head["pack"], faults)
    for document in documents[1:]:
        reader.topic(document)
    return Pack(
        head["pack"], _title(head["title"]), reader.topics, reader.measures, reader.rules, tuple(reader.gaps),
        {name: tuple(values) for name, values in head.get("ranks", {}).items()}, head.get("sources", {}),
        tuple(head.get("needs", ())), digest.hexdigest(),
    )  # fmt: skip


def _title(value: Mapping[str, str]) -> Title:
    return Title(value["zh"], value["en"])


class _Reader:
    """Declarations from the documents of one pack."""

    def __init__(self, pack: str, faults: Faults) -> None:
        self.pack, self.faults = pack, faults
        self.topics: dict[str, Title] = {}
        self.measures: dict[str, Measure] = {}
        self.rules: dict[str, Rule] = {}
        self.gaps: list[Gap] = []
        self.document = Document("", None)

    def fault(self, code: str, path: Steps, value: object = None, **details: Any) -> None:
        column = ".".join(str(p) for p in path[2:]) or None
        self.faults.add(code, self.document.name, self.document.line(path), column, value, **details)

    def topic(self, document: Document) -> None:
        self.document = document
        topic = document.value["topic"]
        self.topics[topic["id"]] = _title(topic)
        for i, raw in enumerate(document.value.get("measures", ())):
            self._keep_measure(raw["id"], _title(raw["title"]), raw, ("measures", i))
        for i, raw in enumerate(document.value.get("rules", ())):
            self._rule(raw, topic["id"], ("rules", i))
        for raw in document.value.get("gaps", ()):
            title, why = _title(raw["title"]), _title(raw["why"])
            self.gaps.append(Gap(raw["id"], title, why, raw.get("source", ""), topic["id"], self.pack))

    # ------------------------------------------------------------ measures

    def _keep_measure(self, name: str, title: Title, raw: Mapping[str, Any], path: Steps) -> None:
        if name in self.measures:
            self.fault("id_twice", path, name)
            return
        common = {k: v for k, v in raw.items() if k not in ("id", "title", "unit", "source", "first", "editions")}
        dated = dict(raw.get("editions") or {raw.get("first", "1949-10-01"): {}})
        days = sorted(dated)
        editions = []
        for day, following in zip(days, [*days[1:], None], strict=True):
            steps = (*path, "editions", day) if "editions" in raw else path
            first = self._day(day, steps)
            last = FAR if following is None else self._day(following, steps) - _ENDS
            edition = self._edition({**common, **dated[day]}, first, last, steps)
            if edition is not None:
                editions.append(edition)
        line = self.document.line(path)
        self.measures[name] = Measure(
            name, title, raw["unit"], raw.get("source", ""), tuple(editions), self.pack, self.document.name, line
        )

    def _edition(self, raw: Mapping[str, Any], first: date, last: date, path: Steps) -> Edition | None:
        missing = [k for k in ("kind", "per") if k not in raw]
        if missing:
            self.fault("pack_missing", path, None, keys=", ".join(missing))
            return None
        unit, period = raw["per"]
        own = {k: raw[k] for k in ("subject", "season", "scale", "distinct", "take", "window", "edges", "start", "end",
                                   "hours", "at_least", "change", "sampled", "ripe") if k in raw}  # fmt: skip
        if "scale" in own:
            own["scale"] = float(own["scale"])
        for key in ("value", "over"):
            if isinstance(raw.get(key), dict):
                own[f"{key}_of"] = raw[key]["measure"]
            elif key in raw:
                own[key] = raw[key]
        held = raw.get("held", {})
        return Edition(
            first, last, raw["kind"], raw.get("of", "unit" if raw["kind"] == "register" else ""), unit, period,
            base=self._maybe(raw, "base", path), match=self._maybe(raw, "match", path),
            adds=self._maybe(raw, "in", path), takes=self._maybe(raw, "out", path),
            expected=self._expected(raw.get("expected"), path), clock=self._clock(raw.get("clock"), path),
            among=self._expression(raw["among"], (*path, "among")) if "among" in raw else None,
            held=held.get("register", ""),
            held_by=held.get("by", ""),
            held_where=self._expression(held["where"], (*path, "held")) if "where" in held else None,
            **own,
        )  # fmt: skip

    def _expected(self, raw: Mapping[str, Any] | None, path: Steps) -> Expected | None:
        if raw is None:
            return None
        where = self._expression(raw["where"], (*path, "expected")) if "where" in raw else None
        return Expected(tuple(raw.get("kinds", ())), where, raw["every"])

    def _clock(self, raw: Mapping[str, Any] | None, path: Steps) -> Clock | None:
        if raw is None:
            return None
        pause = raw.get("pause")
        own: dict[str, Any] = {
            "first_day": raw.get("first_day", False), "move": raw.get("move", "none"),
            "pause": (pause["from"], pause["to"]) if pause else None,
        }  # fmt: skip
        stop = raw["stop"]
        if isinstance(stop, str):
            return Clock(raw["start"], stop, raw["calendar"], **own)
        where = self._condition(stop["where"], (*path, "clock", "stop")) if "where" in stop else None
        return Clock(raw["start"], stop["time"], raw["calendar"], stop["of"], where, stop["on"], **own)

    # ------------------------------------------------------------ conditions

    def _maybe(self, raw: Mapping[str, Any], key: str, path: Steps) -> Condition | None:
        return self._condition(raw[key], (*path, key)) if key in raw else None

    def _expression(self, text: str, path: Steps) -> Expression | None:
        try:
            return parse(text)
        except GrammarError as error:
            self.fault("expression", path, text, reason=str(error), at=error.at + 1)
            return None

    def _condition(self, raw: Any, path: Steps) -> Condition:
        nothing = Needs(0, ())
        if isinstance(raw, str):
            tree = self._expression(raw, path)
            return nothing if tree is None else Where(tree)
        parts: list[Condition] = []
        for key, value in raw.items():
            steps = (*path, key)
            if key == "where":
                parts.append(self._condition(value, steps))
            elif key == "related":
                parts.extend(self._related(r, steps) for r in (value if isinstance(value, list) else [value]))
            elif key == "span":
                least, most = (parse_span(value[k]) if k in value else None for k in ("at_least", "at_most"))
                parts.append(Span(value["from"], value["to"], least, most))
            elif key == "not":
                parts.append(Neither(self._condition(value, steps)))
            else:
                given = value["of"] if key == "needs" else value
                inner = tuple(self._condition(c, (*steps, i)) for i, c in enumerate(given))
                count = {"all": len(inner), "any": 1}.get(key) or value["at_least"]
                parts.append(Needs(count, inner))
        return both(tuple(parts))

    def _related(self, raw: Mapping[str, Any], path: Steps) -> Related:
        sides = [s for s in ("before", "after", "around") if s in raw]
        if len(sides) != 1:
            self.fault("related_side", path, ", ".join(sides) or None)
            sides = ["before"]
        between = self._condition(raw["none_between"], path) if "none_between" in raw else None
        if between is not None and sides[0] == "around":
            self.fault("related_between", path)
        within = parse_span(raw["within"]) if "within" in raw else LOOK_BACK
        if "less_than" in raw:
            within = parse_span(raw["less_than"]) - timedelta(microseconds=1)
        count = raw.get("at_least", 1)
        if between is not None and count > 1:
            self.fault("related_between", path)
        where = self._condition(raw["where"], path)
        if any(True for c in (where, between) for _ in related_in(c)):
            self.fault("related_nested", path)
        return Related(where, sides[0], within, "", tuple(raw.get("same", ())), between, raw.get("none", False), count)

    # ------------------------------------------------------------ rules

    def _rule(self, raw: Mapping[str, Any], topic: str, path: Steps) -> None:
        name, title = raw["id"], _title(raw["title"])
        if name in self.rules:
            self.fault("id_twice", path, name)
            return
        measure = raw["measure"]
        if isinstance(measure, dict):
            self._keep_measure(name, title, measure, (*path, "measure"))
            measure = name
        scope = raw.get("scope", {})
        where = self._expression(scope["where"], (*path, "scope")) if "where" in scope else None
        authority = raw["authority"]
        self.rules[name] = Rule(
            name, title, measure, Scope(tuple(scope.get("kind", ())), tuple(scope.get("place", ())), where),
            self._limits(raw["values"], (*path, "values")),
            authority.get("place") or authority["enterprise"], "enterprise" in authority,
            raw.get("local", "tighten"), raw.get("replaces", ""), raw["force"], raw["basis"],
            raw.get("judge", "each-period"), raw.get("anchor", "start"), raw.get("min_coverage", 0.9),
            raw.get("warn"), raw.get("severity", "major"), (topic, *raw.get("topics", ())),
            self._day(raw["last_checked"], (*path, "last_checked")), raw.get("source", ""),
            tuple(self._case(c, (*path, "cases", i)) for i, c in enumerate(raw.get("cases", ()))),
            self.pack, self.document.name, self.document.line(path),
        )  # fmt: skip

    def _limits(self, raw: Mapping[str, Any], path: Steps) -> tuple[Limit, ...]:
        days, limits = sorted(raw), []
        for day, following in zip(days, [*days[1:], None], strict=True):
            value, steps = raw[day], (*path, day)
            first = self._day(day, steps)
            last = FAR if following is None else self._day(following, steps) - _ENDS
            ended = bool(value.get("ended"))
            bounded = [k for k in ("at_least", "at_most", "cases") if k in value]
            if ended == bool(bounded):
                self.fault("limit_which", steps, day)
            if ended and first == self._day(days[0], steps):
                self.fault("never_applies", steps, day, reason="its first value ends it")
            cases = tuple(
                Case(
                    self._expression(c["when"], (*steps, "cases", i)) if "when" in c else None,
                    c.get("at_least"), c.get("at_most"), bool(c.get("exempt")),
                )
                for i, c in enumerate(value.get("cases", ()))
            ) or (Case(None, value.get("at_least"), value.get("at_most")),)  # fmt: skip
            limits.append(Limit(first, last, cases, ended, value["cite"], value.get("quote", "")))
        return tuple(limits)

    def _case(self, raw: Mapping[str, Any], path: Steps) -> RuleCase:
        figures = {k: float(raw[k]) for k in ("value", "numerator", "denominator") if k in raw}
        day = self._day(raw["day"], (*path, "day")) if "day" in raw else date(2022, 11, 16)
        return RuleCase(
            raw["title"], day, raw["records"], raw["state"], raw.get("unit", "U"), raw.get("period", ""),
            raw.get("at", ""), figures, self.document.line(path), tuple(raw.get("also", ())),
        )  # fmt: skip

    def _day(self, text: str, path: Steps) -> date:
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.fault("not_date", path, text)
            return FAR


def all_rules(packs: Packs, ids: Iterable[str] | None = None) -> list[Rule]:
    """The rules of some ids, or all; an unknown id is a fault with the nearest name."""
    if ids is None:
        return list(packs.rules.values())
    faults, found = Faults(), []
    for name in ids:
        if name in packs.rules:
            found.append(packs.rules[name])
        else:
            faults.add("unknown_rule", "--rule", None, None, name, nearest=nearest(name, packs.rules))
    faults.require()
    return found

"""What an order names: targets, its deadline, places that limit it.

In:     text of an order, Lexicon, the issuer's name
Out:    targets, deadline, place and codes
Not:    dates of a deadline (periods.py), topics (topics.py)
Source: the labelling guideline's fields
"""

from __future__ import annotations

import re
from functools import lru_cache

from clearway.core.places import Place, place_names
from clearway.notices.lexicon import Lexicon, any_of, pairs_in

_HAN = "㐀-鿿"
_REMEMBERED = 4096


class Fields:
    """Patterns of targets, deadlines and places, compiled once."""

    def __init__(self, lexicon: Lexicon) -> None:
        table = lexicon["orders"]
        counters = "|".join(sorted(map(re.escape, table["counters"]), key=len, reverse=True))
        tails = "|".join(map(re.escape, table["quoted_tails"]))
        fixed = "|".join(sorted(map(re.escape, table["fixed_targets"]), key=len, reverse=True))
        firsts = "".join(sorted({target[0] for target in table["fixed_targets"]}))
        quoted = rf"“(?P<quoted>[^“”]{{2,60}})”(?P<tail>{tails})?"
        document = "《(?P<document>[^《》]{2,80}(?:《[^《》]*》[^《》]*)?)》"
        number = rf"(?<![\d.年月:：])(?P<number>\d+(?:\.\d+)?(?:余|多)?(?:{counters}))(?P<noun>[{_HAN}]{{0,8}})"
        code = rf"(?P<code>\d{{4}}(?:{tails}))"
        self._target = re.compile(rf"(?=[“《\d{firsts}])(?:{quoted}|{document}|(?P<fixed>{fixed})|{number}|{code})")
        counted = "|".join(sorted(map(re.escape, table["counted_nouns"]), key=len, reverse=True))
        self._noun = re.compile(f"(?:重点|主要|具体|专项|基础|核心|关键|一级|二级|省级|市级)?(?:{counted})")
        nouns = "|".join(sorted(map(re.escape, table["period_nouns"]), key=len, reverse=True))
        self._deadline = re.compile(
            rf"(?:(?:{nouns})(?:[、和及与暨]?(?:{nouns}))*(?:服务保障|保障|假期)?期间)|"
            + "|".join(f"(?:{p})" for p in table["deadlines"])
        )
        # expressions that a folder of words added, wherever they begin
        standard = Lexicon.standard()["orders"]["deadlines"]
        self._added = any_of([p for p in table["deadlines"] if p not in standard])
        begins = {noun[0] for noun in table["period_nouns"]} | set(table["deadline_begins"])
        self._begins = re.compile(rf"[\d{''.join(map(re.escape, sorted(begins)))}]")
        self._cue = lexicon.pattern("orders", "deadline_cues")
        self._place_words = any_of(table["places"])
        # reprints say the same again and again
        self.targets = lru_cache(maxsize=_REMEMBERED)(self._targets)
        self.deadline = lru_cache(maxsize=_REMEMBERED)(self._deadline_of)
        self.places = lru_cache(maxsize=_REMEMBERED)(self._places)
        self._not_after = re.compile("|".join(map(re.escape, table["not_places_after"])))

    def _targets(self, text: str) -> tuple[str, ...]:
        """Quoted names, documents, numbers with their nouns and fixed names, in order, once each."""
        found: dict[str, None] = {}
        for m in self._target.finditer(text):
            if m["quoted"]:
                found[m["quoted"] + (m["tail"] or "")] = None
            elif m["document"]:
                found[m["document"]] = None
            elif m["number"]:
                if re.fullmatch(r"\d+[日月]", m["number"]) and not re.match("[之以]?内", text[m.end("number") :]):
                    continue
                noun = self._noun.match(m["noun"])
                found[m["number"] + (noun[0] if noun else "")] = None
            else:
                found[m[0]] = None
        return tuple(found)

    def _deadline_of(self, text: str) -> str | None:
        """The first time limit or period of duty in a text; those inside a document's name do not count."""
        bare = re.sub(r"《[^《》]*》", lambda m: "※" * len(m[0]), text) if "《" in text else text
        added = self._added.search(bare)
        begins = self._begins.finditer(bare) if self._cue.search(text) else ()
        found = next(filter(None, (self._deadline.match(bare, begin.start()) for begin in begins)), added)
        if found is not None and added is not None and added.start() < found.start():
            found = added
        return text[found.start() : found.end()] if found is not None else None

    def _places(self, text: str, issuer: str | None) -> tuple[str | None, tuple[str, ...]]:
        """Places that limit an order as printed, joined by ；, and their codes; the issuer's own area is none."""
        names = place_names()
        mentions = _mentions(text)
        words = self._place_words.search(text)
        if not mentions and not words:
            return None, ()
        own = {names[n].code for n in _area_of(issuer) if n in names}
        found: dict[str, None] = {}
        codes: dict[str, None] = {}
        taken = -1
        for start, end, place in mentions:
            if start < taken:
                continue
            # a province and its city side by side are one place: 湖北武汉
            if place.level == "province":
                city = _city_after(text, end, place)
                if city is not None:
                    end, place = city
            taken = end
            if place.code in own or place.code in codes or self._not_after.match(text, end):
                continue
            found[text[start:end]] = None
            codes[place.code] = None
        spans = [(text.find(p), p) for p in found]
        for m in self._place_words.finditer(text):
            if m[0] not in found:
                spans.append((m.start(), m[0]))
        spans = sorted(dict.fromkeys(spans))
        printed = list(dict.fromkeys(p for _, p in spans))
        return ("；".join(printed) or None), tuple(codes)


def _city_after(text: str, at: int, province: Place) -> tuple[int, Place] | None:
    """A city of a province named right after it, and where its name ends."""
    names = place_names()
    for length in range(min(12, len(text) - at), 1, -1):
        place = names.get(text[at : at + length])
        if place is not None and place.level == "prefecture" and place.code[:2] == province.code[:2]:
            return at + length, place
    return None


def _area_of(issuer: str | None) -> list[str]:
    if not issuer:
        return []
    m = re.match(r"(.{2,11}?(?:省|市|自治区|自治州|州|盟|地区|县|区))", issuer)
    return [m[1]] if m else [re.sub(r"(?:邮政管理局|局)$", "", issuer)]


def _mentions(text: str) -> tuple[tuple[int, int, Place], ...]:
    """Names of places in a text, the longest at each spot."""
    names = place_names()
    heads = _heads()
    if _head_names().isdisjoint(pairs_in(text)):
        return ()
    found = []
    taken = 0
    for at in [i for i in range(len(text) - 1) if text[i : i + 2] in heads]:
        if at < taken:
            continue
        for length in heads[text[at : at + 2]]:
            name = text[at : at + length]
            place = names.get(name) if len(name) == length else None
            if place is not None and _is_place(text, at, at + length, name, place):
                found.append((at, at + length, place))
                taken = at + length
                break
    return tuple(found)


@lru_cache(maxsize=1)
def _heads() -> dict[str, tuple[int, ...]]:
    """First two characters of names of places, with the lengths that names beginning so have, longest first."""
    lengths: dict[str, set[int]] = {}
    for name in place_names():
        lengths.setdefault(name[:2], set()).add(len(name))
    return {head: tuple(sorted(found, reverse=True)) for head, found in lengths.items()}


@lru_cache(maxsize=1)
def _head_names() -> frozenset[str]:
    return frozenset(_heads())


# a short name of a city may stand across two words (确保定期, 推广安全): it needs a boundary on one side
_BEFORE = frozenset("、，。；：“（在赴对到从至向和与及含省区")
_AFTER = frozenset("、，。；：”）等市局地两三四五六七八九和与及至到")


def _is_place(text: str, start: int, end: int, name: str, place: Place) -> bool:
    if name == place.name or place.level == "province":
        return True
    if place.level == "county":
        return False
    return start == 0 or text[start - 1] in _BEFORE or text[end : end + 1] in _AFTER or end == len(text)

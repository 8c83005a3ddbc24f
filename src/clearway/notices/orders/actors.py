"""Who orders and who must act: bodies, persons and what stands for them.

In:     paragraphs of clean text, Lexicon
Out:    Actors of one notice: full names of bodies, whom a stand-in means; who is addressed in a clause
Not:    what is ordered (orders)
Words:  stand-in = 会议, 该局, 《通知》: a word for a body named before
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from clearway.core.places import Place, place_names
from clearway.notices.lexicon import Lexicon
from clearway.notices.orders.sentences import clause_starts

_NO_NAMES = "近日|日前|今日|昨日|带队|一行|分别|先后|主持|出席|同志|现场|实地|亲自"
_AFTER_NAME = (
    "主持|出席|强调|指出|要求|提出|表示|参加|讲话|作|对|就|在|率|带|一行|同志|介绍|认为|传达|先后|深入|到|赴|于|（|，"
)
_LIST_LONGEST = 100  # characters of a list of places
_BODY_ENDS = re.compile(
    "国家邮政局|邮政管理局|邮政业安全中心|邮政业发展中心|快递行业协会|快递协会|邮政集团有限公司|邮政集团公司|邮政分公司|集团有限公司|人民政府"
)
_BEFORE_BODY = re.compile("[㐀-鿿]{2,14}$")
_LIST = re.compile(
    r"((?:[㐀-鿿]{2,7}、){1,12}[㐀-鿿]{2,7}?)(?:等)?(?:[一二三四五六七八九十\d]{1,2})?(?:个)?(省区市|省市|市州|省份|省|市|州|盟|区|县)?(邮政管理局)$"
)
_HOLDS = re.compile("召开|举行|举办|印发|下发|发布|制定|主持|发出|转发|部署|开展")
_JOINTLY = re.compile("联合(?:印发|下发|发布|制定|召开|出台|部署|发文)")
_JOINT = re.compile(r"((?:[㐀-鿿（）]{3,20}、)+[㐀-鿿（）]{3,20}?)(?:等[一二三四五六七八九十\d]*(?:个)?部门)?$")
_NO_BODY = re.compile(r"[省市各]邮政管理局$|各[省市区县]|全[省市国]|[省市区县]邮政")
_CUT = re.compile(
    r"^(?:.*(?:近日|日前|日，|由|在|与|和|同|对|向|经|据|自|及|按照|根据|贯彻|落实|学习|传达|召开的?|关于|会同|联合|随同|陪同|下发的?|印发的?|转发|接|从|是|为|给|了|将|以及|其中|并|到|赴|来到|走进))+"
)


@dataclass(frozen=True)
class Speaker:
    """A person who speaks for a body."""

    name: str
    body: str | None


class Actors:
    """Bodies and persons of one notice, in the order in which the page names them."""

    def __init__(self, words: ActorWords, text: str) -> None:
        self._words = words
        self.bodies = words.bodies_in(text)
        self.persons = words.persons_in(text)

    def body_named(self, printed: str) -> str | None:
        """The fullest name on the page of a body as printed: 重庆局 after 重庆市邮政管理局 is that one."""
        if printed in self.bodies:
            return printed
        names = place_names()
        short = re.sub(r"(?:邮政管理局|邮管局|省局|市局|州局|区局|局)$", "", printed)
        if short != printed and len(short) >= 2:
            for body in self.bodies:
                if body.startswith(short) and body.endswith("局"):
                    return body
            place = names.get(short)
            for body in self.bodies if place else ():
                if place and (body.startswith(place.name) or body.startswith(place.short)):
                    return body
        for body in self.bodies:
            if len(body) > len(printed) >= 4 and body.endswith(printed):
                return body
        return None

    def meeting_holder(self, before: str) -> str | None:
        """Who holds the meeting or issued the notice: the last body named before, else the first of the page."""
        jointly = list(_JOINTLY.finditer(before)) if "联合" in before else []
        if jointly:
            at = jointly[-1].start()
            joint = _JOINT.search(before, max(0, at - _LIST_LONGEST), at)
            if joint:
                return "、".join(trimmed(name) for name in joint[1].split("、"))
        for m in reversed(list(_HOLDS.finditer(before))):
            clause = re.split("[，。；\n]", before[max(0, m.start() - 60) : m.start()])[-1]
            found = self._words.bodies_in(clause)
            if found:
                return found[-1]
        named = self._words.bodies_in(before)
        acting = [b for b in named if b not in self._words.above(before)]
        if acting:
            return acting[0]
        others = named or self.bodies
        return others[-1] if others else None

    def person(self, name: str) -> Speaker | None:
        """The speaker of that name, where the page says whom he speaks for."""
        return next((p for p in self.persons if p.name == name), None)


class ActorWords:
    """Patterns of bodies, offices and addressees, compiled once."""

    def __init__(self, lexicon: Lexicon) -> None:
        table = lexicon["orders"]
        self._bodies = sorted(table["bodies"], key=len, reverse=True)
        offices = "|".join(sorted(table["offices"], key=len, reverse=True))
        # what the office of a person begins with spares most places
        firsts = "".join(sorted({office[0] for office in table["offices"]}))
        self._person = re.compile(
            rf"(?=[{firsts}])(?<![总副])((?:{offices})(?:、(?:{offices}))*)(?:兼[㐀-鿿]{{2,10}})?"
            rf"((?!{_NO_NAMES})[㐀-鿿]{{2,3}}(?:·[㐀-鿿]+)?)(?={_AFTER_NAME})"
        )
        self._above = re.compile(
            r"(?:传达|贯彻|学习|落实|按照|根据|召开的|参加|组织的|印发的|关于)[^，。；]{0,6}?([㐀-鿿]{2,16}?(?:局|公司|部|委))"
        )
        modifier = "|".join(sorted(table["who_before"], key=len, reverse=True))
        noun = "|".join(sorted(table["who"], key=len, reverse=True))
        whole = "|".join(sorted(table["who_whole"], key=len, reverse=True))
        phrase = rf"(?:(?:{modifier})*(?:{noun})(?:{noun})*|{whole})"
        joint = r"(?:[、和及与]|以及|特别是|尤其是)"
        # the list in front of the noun may be short: 邮政、快递企业
        self._phrase = rf"(?:(?:{modifier})+、)*{phrase}(?:{joint}(?:(?:{modifier})+、)*{phrase})*"
        after = "|".join(table["who_after"])
        self._addressed = re.compile(
            rf"({self._phrase})(?=(?:也|还|都|均|更|同时|特别|尤其|分别|一定|必须|就|今后|立即)?(?:{after}))"
        )
        self._loose = re.compile(
            rf"([㐀-鿿、（）“”]{{2,24}}?(?:{noun}))(?:也|还|都|均|一定|更)?(?:要(?!求)|应(?!急)|须|必须|务必|不得)"
        )
        self._object = re.compile(rf"^(?:全力|切实|认真|及时|积极)?(?:{'|'.join(table['objects'])})")
        self._object_end = re.compile(rf"(?:{'|'.join(sorted(table['objects'], key=len, reverse=True))})$")
        self.phrase = re.compile(self._phrase)
        self.addressed = lru_cache(maxsize=4096)(self._addressed_in)

    def bodies_in(self, text: str) -> tuple[str, ...]:
        """Full names of bodies in a text; names of several joined in a list are spelled out."""
        found: dict[str, int] = {}
        for end in re.finditer("邮政管理局", text) if "、" in text else ():
            m = _LIST.search(text, max(0, end.start() - _LIST_LONGEST), end.end())
            if m is None or "、" not in m[1]:
                continue
            names, kind = m[1].split("、"), m[2]
            names[0] = trimmed(names[0])
            names[-1] = re.sub(r"(?:等)?[一二三四五六七八九十]*$", "", names[-1])
            for name in names:
                full = _full_name(name, kind)
                if full:
                    found.setdefault(f"{full}邮政管理局", m.start())
        for m in _BODY_ENDS.finditer(text):
            if m[0] == "国家邮政局":
                found.setdefault(m[0], m.start())
                continue
            ahead = _BEFORE_BODY.search(text, max(0, m.start() - 14), m.start())
            if ahead is None:
                continue
            name = trimmed(ahead[0] + m[0])
            if len(name) < 5 or _NO_BODY.match(name):
                continue
            # the last of a list without its own name: 、潮州市 is one, 、县 is none
            in_list = ahead.start() and text[ahead.start() - 1] == "、" and m[0] == "邮政管理局"
            if in_list and _full_name(name.removesuffix("邮政管理局"), None) is None:
                continue
            found.setdefault(name, m.start())
        return tuple(sorted(found, key=lambda name: found[name]))

    def persons_in(self, text: str) -> tuple[Speaker, ...]:
        """Persons with an office, and the body named in front of it."""
        out: dict[str, Speaker] = {}
        for m in self._person.finditer(text):
            clause = re.split(r"[，。；、：]", text[max(0, m.start() - 24) : m.start()])[-1]
            name = _person_name(m[2])
            out.setdefault(name, Speaker(name, trimmed(clause) or None))
        return tuple(out.values())

    def above(self, text: str) -> set[str]:
        """Bodies whose meetings and documents are only passed on."""
        return {name for m in self._above.finditer(text) for name in self.bodies_in(m[1])}

    def addressed_at(self, text: str, start: int = 0) -> tuple[str, int] | None:
        """Who is told to act at the head of a clause: as printed, and where the words end."""
        m = self._addressed.match(text, start)
        if m is None:
            if not _MODAL.search(text, start, start + 32):
                return None
            loose = self._loose.match(text, start)
            if loose is None or self._object.match(loose[1]) or re.search("[，。]", loose[1]):
                return None
            return loose[1], loose.end(1)
        return (m[1], m.end(1)) if not self._object.match(m[1]) else None

    def _addressed_in(self, sentence: str) -> tuple[str, ...]:
        """Who is told to act anywhere in a sentence: at the head of one of its clauses."""
        found: list[str] = []
        for at in clause_starts(sentence):
            period = _PERIOD.match(sentence, at)
            told = self.addressed_at(sentence, period.end() if period else at)
            if told is None:
                continue
            # without 要 a noun at a clause's head is often the subject of what is described
            modal = re.match(
                r"(?:也|还|都|均|更|一定|必须)?(?:要(?!求)|应(?!急)|须|必须|务必|不得|严禁|一[要是])",
                sentence[told[1] :],
            )
            if modal or at == 0 or _TIME_ONLY.fullmatch(sentence, 0, at):
                found.append(told[0])
        return tuple(found)


_PERIOD = re.compile("[㐀-鿿“”]{2,8}期间(?=[各全所有])")
_MODAL = re.compile("要|应|须|务必|不得")
_TIME_ONLY = re.compile(r"(?:自|从|在|截至|\d|每|遇|如|对)[^，。；]{1,24}，")


def trimmed(name: str) -> str:
    """A name without the words that stand before it in its clause."""
    return _CUT.sub("", name)


def _person_name(name: str) -> str:
    return (
        re.sub(r"(?:主|出|强|指|要|提|表|参|讲|作|对|就|在|率|带|介|认|传|先|深|到|赴|于)$", "", name)
        if len(name) > 2
        else name
    )


def _full_name(name: str, kind: str | None) -> str | None:
    """The full name of a place in a list such as 上海、天津五省市."""
    names = place_names()
    place: Place | None = None
    if kind in ("市", "州", "盟", "县", "区"):
        place = names.get(name + kind)
    place = place or names.get(name)
    return place.name if place else None

"""Who says it: the verb that opens a passage, its subject, the body that it stands for.

In:     sentences, Actors
Out:    Passage, and where in the sentence the duty begins
Not:    the orders of a passage (orders)
Words:  passage = sentences under one introducing verb; opener = words that announce a list (通知如下)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from clearway.notices.lexicon import Lexicon, any_of
from clearway.notices.orders.actors import Actors, ActorWords, trimmed
from clearway.notices.orders.sentences import Sentence

LOOK_BACK = 2_000  # characters in which a meeting's holder is looked for before the page's first body is taken


@dataclass(frozen=True)
class Passage:
    """Under whose word sentences stand, and whom a list addresses as a whole."""

    issuer: str | None
    speaker: str | None
    verb: str
    telling: bool
    addressee: str | None = None
    open: bool = True


# 按照国家局要求: here 要求 is a noun
_ACCORDING = re.compile("(?:认真|严格)?(?:按照|根据|落实|贯彻|遵照|依据|依照|对照|符合|围绕|执行|传达|学习|响应|细化)")
_LISTS = re.compile("[:：]|如下")


class Introductions:
    """Patterns of verbs and their subjects, compiled once."""

    def __init__(self, lexicon: Lexicon, actors: ActorWords) -> None:
        table = lexicon["orders"]
        self.actors = actors
        self._opener = any_of(table["openers"])
        self._higher = any_of([re.escape(w) for w in table["higher"]])
        self._bodies = tuple(table["bodies"])
        self._stand_ins = frozenset(table["stand_ins"])
        self._telling = frozenset(table["telling_verbs"])
        verbs = "|".join(sorted((*table["verbs"], *table["telling_verbs"]), key=len, reverse=True))
        self._any_verb = re.compile(verbs)
        between = "|".join(sorted(table["between"], key=len, reverse=True))
        bodies = "|".join(sorted(map(re.escape, table["bodies"]), key=len, reverse=True))
        stand_ins = "|".join(sorted(map(re.escape, table["stand_ins"]), key=len, reverse=True))
        offices = "|".join(sorted(map(re.escape, table["offices"]), key=len, reverse=True))
        # 就下一步工作, 对企业, 根据形势: what stands between subject and verb
        about = "|".join(rf"{word}[^，。；]{{2,30}}?" for word in ("就", "对", "针对", "围绕", "根据", "向"))
        about += "|在[^，。；]{1,12}?(?:中|时|上|后)"
        ahead = rf"(?P<ahead>(?:{between}|{about})*)(?P<verb>{verbs})"
        # what may follow the verb where it introduces a duty
        follows = rf"(?=[，,：:“]|要(?!求|点|素)|应(?!急)|{'|'.join(table['verb_followers'])})"
        plain = "(?:(?![，。；：])[^“”]|“[^“”]*”)"
        subject = rf"(?P<subject>{plain}{{0,40}}?(?P<actor>{bodies}|{stand_ins}|(?<=[㐀-鿿])(?:同志)))"
        office = (
            rf"(?P<office>{plain}{{0,24}}?(?:{offices})(?:、(?:{offices}))*(?P<named>[㐀-鿿]{{2,3}}(?:·[㐀-鿿]+)?))"
        )
        person = "(?P<person>[㐀-鿿]{2,4}|他|她)"
        self._subject = re.compile(rf"(?:^|(?<=[，。；：”]))(?:{subject}|{office}|{person}){ahead}{follows}")
        self._continuing = re.compile(rf"(?<=[，；]){ahead}{follows}")
        self._sets_speaker = re.compile(
            r"提出(?:了)?(?:[㐀-鿿]{0,8})?(?:要求|意见)$|作(?:了)?(?:重要)?(?:讲话|部署|总结讲话|工作报告|动员讲话)$"
        )

    def opened(self, text: str, sentence: Sentence, actors: Actors, before: str) -> Passage | None:
        """The passage that words such as 通知如下： open, where no verb does."""
        opener = self._opener.search(text) if _LISTS.search(text) else None
        ends = sentence.stop == "" or text.endswith("：")
        if opener is None or not ends or not re.search("[:：]$|如下.?$", text):
            return None
        return Passage(actors.meeting_holder(before + text), None, _opener_verb(opener[0]), False, open=True)

    def introduced(
        self, line: str, sentence: Sentence, before: str, actors: Actors, speaker: str | None, passage: Passage | None
    ) -> tuple[Passage, int | None, str | None] | None:
        """The passage that a sentence opens, where its rest begins (None where there is none), the speaker."""
        text = line[sentence.start : sentence.end]
        head = (before + line[max(0, sentence.start - LOOK_BACK) : sentence.start])[-LOOK_BACK:]
        if self._sets_speaker.search(text):
            person = self._person_in(text, actors)
            if person is not None or "提出" in text:
                issuer = (
                    actors.meeting_holder(head + text) if person is None else self._body_of(person, head + text, actors)
                )
                verb = "提出" if "提出" in text else "要求"
                return Passage(issuer, person, verb, False, open=True), None, person or speaker
        found = self._verb_in(text)
        opener = self._opener.search(text) if found is not None or _LISTS.search(text) else None
        if found is None:
            if opener and (
                text.endswith(("：", ":", "如下")) or re.search("[:：]", text[opener.end() : opener.end() + 12])
            ):
                issuer = actors.meeting_holder(head + text)
                colon = re.search("[:：]", text[opener.end() :])
                rest = sentence.start + opener.end() + colon.end() if colon else None
                if rest is not None and not line[rest : sentence.end].strip():
                    rest = None
                return Passage(issuer, speaker, _opener_verb(opener[0]), False, open=True), rest, speaker
            return None
        m, verb = found
        said = self._issuer_of(m, head, text, actors, speaker, passage)
        if said is None:
            return None
        issuer, who = said
        rest = sentence.start + m.end("verb")
        while rest < sentence.end and line[rest] in "，,：: ":
            rest += 1
        # 提出以下要求：, 强调指出，: what follows the colon is what counts
        if opener and opener.start() <= m.end("verb") <= opener.end() + 1:
            colon = re.search("[:：，]", line[sentence.start + opener.end() : sentence.end])
            rest = sentence.start + opener.end() + colon.end() if colon else sentence.end
        opened = Passage(issuer, who, verb, verb in self._telling, open=rest >= sentence.end)
        return opened, (rest if rest < sentence.end else None), speaker

    def _verb_in(self, text: str) -> tuple[re.Match[str], str] | None:
        """The verb that introduces a duty in a sentence: at its head, or in a later clause."""
        if not self._any_verb.search(text) or self._higher.match(text):
            return None
        for m in self._subject.finditer(text):
            if m["actor"] and self._not_subject(text, m):
                continue
            return m, m["verb"]
        later = self._continuing.search(text)
        if later is None:
            return None
        # …，习近平总书记…，强调要…: the words are the higher authority's
        clauses = text[: later.start()].split("，")
        if len(clauses) > 1 and self._higher.search(clauses[-2]):
            return None
        return later, later["verb"]

    def _not_subject(self, text: str, m: re.Match[str]) -> bool:
        """Whether what stands before a verb is no subject: 按照…会议要求, 贯彻…局要求."""
        subject = m["subject"]
        if _ACCORDING.search(subject) and not re.search("(?:会议|会上|《[^》]*》|通知)$", subject):
            return True
        if m["verb"] == "要求" and _ACCORDING.match(subject):
            return True
        return bool(m["verb"] == "明确" and not re.search("(?:会议|《[^》]*》|通知|方案|意见|局|办法)$", subject))

    def _issuer_of(
        self, m: re.Match[str], head: str, text: str, actors: Actors, speaker: str | None, passage: Passage | None
    ) -> tuple[str | None, str | None] | None:
        """Issuer and speaker, either of which the page may not name; None where no authority speaks."""
        groups = m.groupdict()
        subject: str | None = groups.get("subject")
        if (
            groups.get("person") is None and groups.get("office") is None and subject is None
        ):  # …，并强调要…: the subject of the sentence
            person = self._person_in(text[: m.start()], actors)
            if person is not None:
                return self._body_of(person, head + text[: m.start()], actors), person
            named = self.actors.bodies_in(text[: m.start()])
            above = self.actors.above(text[: m.start()])
            acting = [b for b in named if b not in above]
            if acting:
                return acting[0], None
            if passage is not None and not named:
                return passage.issuer, passage.speaker
            return actors.meeting_holder(head + text[: m.start()]), None
        if groups.get("office"):
            name = groups["named"]
            return self._body_of(name, head + text[: m.end("named")], actors, groups["office"]), name
        if groups.get("person"):
            name = groups["person"]
            if name in "他她":
                return (passage.issuer if passage else actors.meeting_holder(head)), (
                    passage.speaker if passage else speaker
                )
            known = actors.person(name)
            if known is None:
                return None
            return self._body_of(name, head, actors), name
        assert subject is not None
        person = self._person_in(subject, actors)
        if person is not None:
            return self._body_of(person, head + text[: m.start()], actors), person
        bodies = self.actors.bodies_in(subject)
        if bodies:
            part = re.search(rf"{re.escape(bodies[-1])}[㐀-鿿]{{2,10}}(?:司|办公室|中心)$", subject)
            if part:  # a department that speaks for itself
                return part[0], None
            return ("、".join(bodies) if len(bodies) > 1 and "、" in subject else bodies[-1]), None
        actor = groups.get("actor") or ""
        told = re.split("[，、：]", subject)[-1]
        if told in ("国家局", "国家邮政局"):
            return "国家邮政局", None
        if told not in self._stand_ins:
            full = actors.body_named(told)
            if full is not None:
                return full, None
            name = trimmed(told)
            if name.endswith(self._bodies) and len(name) >= 4 and name not in self._stand_ins:
                return name, None
        speaks = "会" in actor and passage is not None and passage.speaker is not None
        return actors.meeting_holder(head + text[: m.start()]), (speaker if speaks else None)

    def _person_in(self, text: str, actors: Actors) -> str | None:
        named = self.actors.persons_in(text)
        if named:
            return named[-1].name
        return next((p.name for p in actors.persons if p.name in text), None)

    def _body_of(self, name: str, head: str, actors: Actors, office: str = "") -> str | None:
        known = actors.person(name)
        for said in (office, (known.body or "") if known is not None else ""):
            full = self.actors.bodies_in(said)
            if full:
                return full[-1]
        if known is not None and known.body:
            named = actors.body_named(re.sub(r"(?:党组|党委|局)$", "", known.body) or known.body)
            if named:
                return named
        return actors.meeting_holder(head)


def _opener_verb(opener: str) -> str:
    for verb in ("要求", "强调", "提出", "提醒", "倡议", "明确", "部署", "通知", "提示", "公告", "发布"):
        if verb in opener:
            return "提出" if opener.startswith("提出") else verb
    return "要求"

"""Orders of a clean text: who requires what of whom.

In:     paragraphs, Actors, the lexicon's patterns
Out:    Order, in text order
Not:    repairing text; which rules an order touches (a person confirms that)
Words:  passage = sentences under one introducing verb; it holds until the next one, a report, or the page's end
Source: the labelling guideline: ordinal item, closed list, no ordinal, sentence before the list, lead paragraph
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace

from clearway.notices.actors import Actors, ActorWords
from clearway.notices.fields import Fields
from clearway.notices.lexicon import Lexicon, any_of
from clearway.notices.periods import Periods
from clearway.notices.sentences import Mark, Sentence, marks_of, split_sentences
from clearway.notices.topics import Topics
from clearway.notices.types import Order, Part


_LOOK_BACK = 4_000  # characters in which a meeting's holder is looked for before the page's first body is taken


@dataclass(frozen=True)
class Passage:
    """Under whose word sentences stand, and whom a list addresses as a whole."""

    issuer: str | None
    speaker: str | None
    verb: str
    telling: bool
    addressee: str | None = None
    open: bool = True


@dataclass
class Draft:
    """An order before its fields are read: where its text stands in the paragraph, and its sentences."""

    start: int
    end: int
    ordinal: str | None
    passage: Passage
    sentences: list[tuple[int, int]]


class OrderFinder:
    """Patterns of orders, compiled once."""

    def __init__(self, lexicon: Lexicon) -> None:
        table = lexicon["orders"]
        self.actors = ActorWords(lexicon)
        self._fields = Fields(lexicon)
        self._topics = Topics(lexicon)
        self._periods = Periods(lexicon)
        self._modal = any_of(table["modals"])
        self._fact = any_of(table["facts"])
        self._report = any_of(table["reports"])
        self._background = any_of(table["background_ends"])
        self._higher = any_of([re.escape(w) for w in table["higher"]])
        self._imperative = re.compile("(?:" + "|".join(table["imperatives"]) + ")")
        self._opener = any_of(table["openers"])
        self._telling = frozenset(table["telling_verbs"])
        verbs = "|".join(sorted((*table["verbs"], *table["telling_verbs"]), key=len, reverse=True))
        self._any_verb = re.compile(verbs)
        between = "|".join(sorted(table["between"], key=len, reverse=True))
        bodies = "|".join(sorted(map(re.escape, table["bodies"]), key=len, reverse=True))
        stand_ins = "|".join(sorted(map(re.escape, table["stand_ins"]), key=len, reverse=True))
        offices = "|".join(sorted(map(re.escape, table["offices"]), key=len, reverse=True))
        ahead = rf"(?:(?:{between})|就[^，。；]{{2,30}}?|对[^，。；]{{2,30}}?|针对[^，。；]{{2,30}}?|围绕[^，。；]{{2,30}}?|根据[^，。；]{{2,20}}?|向[^，。；]{{2,16}}?)*"
        # what may follow the verb where it introduces a duty
        follows = r"(?=[，,：:]|要(?!求|点|素)|应(?!急)|必须|务必|各|全|有关|相关|辖区|广大|所有|企业|快递|邮政|寄递|被约谈|参会|与会|严格|切实|加强|做好|进一步|认真|一[是要]|“)"
        self._subject = re.compile(
            rf"(?:^|(?<=[，。；：”]))(?P<subject>(?:(?![，。；：])[^“”]|“[^“”]*”){{0,40}}?(?P<actor>{bodies}|{stand_ins}|(?<=[㐀-鿿])(?:同志))|(?P<office>(?:(?![，。；：])[^“”]){{0,24}}?(?:{offices})(?:、(?:{offices}))*(?P<named>[㐀-鿿]{{2,3}}(?:·[㐀-鿿]+)?))|(?P<person>[㐀-鿿]{{2,4}}|他|她))"
            rf"(?P<ahead>{ahead})(?P<verb>{verbs}){follows}"
        )
        self._continuing = re.compile(rf"(?<=[，；])(?P<ahead>{ahead})(?P<verb>{verbs}){follows}")
        self._sets_speaker = re.compile(
            r"提出(?:了)?(?:[㐀-鿿]{0,8})?(?:要求|意见)$|作(?:了)?(?:重要)?(?:讲话|部署|总结讲话|工作报告|动员讲话)$"
        )

    def find(
        self, lines: list[str], actors: Actors, title: int | None, day: str | None
    ) -> tuple[list[Order], list[str]]:
        """Orders of the lines of a clean text, and the issuers in order of appearance."""
        orders: list[Order] = []
        passage: Passage | None = None
        speaker: str | None = None
        offset = 0
        before = ""
        expect: int | None = None
        for para, line in enumerate(lines):
            drafts: list[Draft] = []
            if para != title and line.strip():
                drafts, passage, speaker, expect = self._paragraph(line, before, actors, passage, speaker, expect)
            for draft in drafts:
                orders.append(self._order(len(orders) + 1, para, offset, line, draft, day))
            before = (before + line + "\n")[-_LOOK_BACK:]
            offset += len(line) + 1
        issuers = list(dict.fromkeys(o.issuer for o in orders if o.issuer))
        return orders, issuers

    # ------------------------------------------------------------ a paragraph

    def _paragraph(
        self, line: str, before: str, actors: Actors, passage: Passage | None, speaker: str | None, expect: int | None
    ) -> tuple[list[Draft], Passage | None, str | None, int | None]:
        sentences = split_sentences(line)
        marks = marks_of(line, expect)
        drafts: list[Draft] = []
        opened = passage is not None and passage.open
        if passage is not None:
            passage = replace(passage, open=False)
        # a paragraph without a verb of its own goes on where the last one ended with a colon, or begins like an item
        live = passage is not None and (opened or self._goes_on(line, marks, expect))
        item: Draft | None = None
        closed_list = False
        starts = [m.start for m in marks]
        mark_at = {m.start: m for m in marks}
        for sentence in _cut(sentences, starts):
            text = line[sentence.start : sentence.end]
            mark = mark_at.get(sentence.start)
            if mark is None:
                introduced = self._introduced(line, sentence, before, actors, speaker, passage)
                if introduced is not None:
                    passage, rest, speaker = introduced
                    live = True
                    item, closed_list = None, False
                    if rest is None:
                        continue
                    # a list may begin right after the verb, or after who is addressed
                    begin = _mark_within(marks, starts, rest, sentence.end)
                    if begin is not None:
                        passage = self._addressing(line[rest : begin.start], passage)
                        if begin.start - rest > 14 and self._requires(line[rest : begin.start], passage):
                            drafts.append(self._single(line, rest, begin.start, passage))
                        mark, sentence = begin, Sentence(begin.start, sentence.end, sentence.stop)
                        text = line[sentence.start : sentence.end]
                    else:
                        sentence = Sentence(rest, sentence.end, sentence.stop)
                        text = line[rest : sentence.end]
                        if self._background_of(text) or not self._requires(text, passage):
                            if text.endswith(("：", ":")):
                                passage = replace(self._addressing(text, passage), open=True)
                            continue
                        drafts.append(self._single(line, rest, sentence.end, passage))
                        if marks and marks[0].start >= sentence.end:
                            passage = self._addressing(text, passage)
                        passage = replace(passage, open=sentence.stop == "" and text.endswith("："))
                        continue
            if not live or passage is None:
                opener = self._opener.search(text)
                if opener and (sentence.stop == "" or text.endswith("：")) and re.search("[:：]$|如下$|如下.?$", text):
                    passage = Passage(
                        actors.meeting_holder(before + text), None, _opener_verb(opener[0]), False, open=True
                    )
                    live = True
                continue
            if mark is not None:
                if self._is_report(text):
                    live = item is not None and live
                    continue
                item = Draft(sentence.start, sentence.end, mark.ordinal, passage, [(sentence.start, sentence.end)])
                drafts.append(item)
                closed_list = sentence.stop in ("；", ";") or (closed_list and sentence.stop == "。")
                open_list = sentence.stop in ("；", ";")
                if closed_list and not open_list:
                    item = None  # the last of items joined by ； ends the list
                continue
            if self._is_report(text):
                item = None
                live = False
                continue
            if item is not None:
                item.end = sentence.end
                item.sentences.append((sentence.start, sentence.end))
                if sentence.stop in ("；", ";") and _mark_within(marks, starts, sentence.end, sentence.end + 3):
                    closed_list = True
                continue
            if self._background_of(text) or not self._requires(text, passage):
                if text.endswith(("：", ":")):
                    passage = replace(self._addressing(text, passage), open=True)
                continue
            drafts.append(self._single(line, sentence.start, sentence.end, passage))
            if starts and starts[-1] >= sentence.end:
                passage = self._addressing(text, passage)
        expect = marks[-1].number + 1 if marks and live else expect
        if passage is not None and line.rstrip().endswith(("：", ":")) and live:
            passage = replace(passage, open=True)
        elif passage is not None and not live:
            passage = replace(passage, open=False) if drafts or not opened else passage
        if passage is not None and not live and not drafts and self._ends(line):
            passage = None
        return drafts, passage, speaker, expect

    def _goes_on(self, line: str, marks: list[Mark], expect: int | None) -> bool:
        if marks and marks[0].start == 0 and (marks[0].number == 1 or marks[0].number == expect):
            return True
        if self.actors.addressed_at(line) is not None or re.match(r"(?:同时[，,]?)?(?:还)?要(?!求|闻|点)", line):
            return True
        return False

    def _ends(self, line: str) -> bool:
        return bool(self._report.search(line[:120]))

    # ------------------------------------------------------------ who says it

    def _introduced(
        self, line: str, sentence: Sentence, before: str, actors: Actors, speaker: str | None, passage: Passage | None
    ) -> tuple[Passage, int | None, str | None] | None:
        """The passage that a sentence opens, where its rest begins (None where there is none), the speaker."""
        text = line[sentence.start : sentence.end]
        head = (before + line[max(0, sentence.start - _LOOK_BACK) : sentence.start])[-_LOOK_BACK:]
        if self._sets_speaker.search(text):
            person = self._person_in(text, actors)
            if person is not None:
                issuer = self._body_of(person, head + text, actors)
                verb = "提出" if "提出" in text else "要求"
                return Passage(issuer, person, verb, False, open=True), None, person
        opener = self._opener.search(text)
        found = self._verb_in(text)
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
        m2 = self._continuing.search(text)
        if m2 is not None and not self._higher.search(
            text[: m2.start()].split("。")[-1].split("，")[-2] if "，" in text[: m2.start()] else ""
        ):
            return m2, m2["verb"]
        return None

    def _not_subject(self, text: str, m: re.Match[str]) -> bool:
        """Whether what stands before a verb is no subject: 按照…会议要求, 贯彻…局要求."""
        subject = m["subject"]
        if re.search(
            r"(?:按照|根据|落实|贯彻|遵照|依据|依照|对照|符合|围绕|执行|传达|学习|响应|细化|上级|有关|相关|工作|按)(?:[^，]{0,30})$",
            subject,
        ) and not re.search("(?:会议|会上|《[^》]*》|通知)$", subject):
            return True
        if (
            re.match(r"(?:按照|根据|落实|贯彻|遵照|依据|依照|对照|认真落实|严格按照|严格落实)", subject)
            and m["verb"] == "要求"
        ):
            return True
        return bool(m["verb"] == "明确" and not re.search("(?:会议|《[^》]*》|通知|方案|意见|局|办法)$", subject))

    def _issuer_of(
        self, m: re.Match[str], head: str, text: str, actors: Actors, speaker: str | None, passage: Passage | None
    ) -> tuple[str | None, str | None]:
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
            joined = "、".join(bodies) if len(bodies) > 1 and "、" in subject else bodies[-1]
            return joined, None
        actor = groups.get("actor") or ""
        told = re.split("[，、：]", subject)[-1]
        if len(told) > len(actor) + 1 or actor in ("局",):
            full = actors.body_named(told)
            if full is not None:
                return full, None
            if re.fullmatch(r"[㐀-鿿]{2,10}局", told) and told not in (
                "市局",
                "省局",
                "该局",
                "州局",
                "区局",
                "县局",
                "我局",
                "国家局",
            ):
                return told, None
        if told == "国家局":
            return "国家邮政局", None
        return actors.meeting_holder(head + text[: m.start()]), (
            speaker if "会" in actor and passage is not None and passage.speaker else None
        )

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

    # ------------------------------------------------------------ whether it is an order

    def _requires(self, text: str, passage: Passage) -> bool:
        if len(text) < 4 or (text.endswith(("：", ":")) and len(text) < 12):
            return False
        if self._modal.search(text):
            return not (self._higher.match(text) and "强调" in text)
        if passage.telling:
            return False
        if self._fact.search(text):
            return False
        return True

    def _background_of(self, text: str) -> bool:
        return bool(self._background.search(text)) or bool(
            self._higher.match(text) and re.search("强调|指出|要求|作出|主持", text)
        )

    def _is_report(self, text: str) -> bool:
        return bool(self._report.search(text))

    def _addressing(self, text: str, passage: Passage) -> Passage:
        told = self.actors.addressed(text)
        if not told:
            m = self.actors.phrase.fullmatch(text.strip("，：,: ").removesuffix("要").removesuffix("，"))
            told = (m[0],) if m else ()
        return replace(passage, addressee=told[0]) if told else passage

    def _single(self, line: str, start: int, end: int, passage: Passage) -> Draft:
        while end > start and line[end - 1] in "，：、 ":
            end -= 1
        return Draft(start, end, None, replace(passage, addressee=None), [(start, end)])

    # ------------------------------------------------------------ its fields

    def _order(self, n: int, para: int, offset: int, line: str, draft: Draft, day: str | None) -> Order:
        text = line[draft.start : draft.end]
        sentences = [line[a:b] for a, b in draft.sentences]
        passage = draft.passage
        told: dict[str, None] = {}
        for sentence in sentences:
            body = re.sub(
                r"^(?:[一二三四五六七八九十]{1,3}(?:是(?=要)|[、是]))|^[（(][^）)]{1,3}[）)]", lambda m: "", sentence
            )
            told.update(dict.fromkeys(self.actors.addressed(body)))
        addressee = "；".join(told) or (passage.addressee if draft.ordinal is not None else None)
        topics = self._topics.of(sentences) or ("other",)
        deadline = self._fields.deadline(text)
        place, codes = self._fields.places(text, passage.issuer)
        parts: tuple[Part, ...] = ()
        if draft.ordinal is not None and len(sentences) > 1:
            parts = tuple(
                Part(f"{draft.ordinal}.{i}", sentence, self._topics.of([sentence]) or topics[:1])
                for i, sentence in enumerate(sentences, 1)
            )
        return Order(
            n=n,
            para=para,
            start=offset + draft.start,
            end=offset + draft.end,
            issuer=passage.issuer,
            speaker=passage.speaker,
            verb=passage.verb,
            addressee=addressee,
            ordinal=draft.ordinal,
            text=text,
            topics=topics,
            targets=self._fields.targets(text),
            deadline=deadline,
            due=self._periods.resolve(deadline, day) if deadline else None,
            place=place,
            place_codes=codes,
            actionable=not set(topics) <= self._topics.slogans,
            sub=parts,
        )


def _mark_within(marks: list[Mark], starts: list[int], start: int, end: int) -> Mark | None:
    """The first marker in a stretch of the paragraph."""
    k = bisect_left(starts, start)
    return marks[k] if k < len(marks) and starts[k] < end else None


def _cut(sentences: list[Sentence], starts: list[int]) -> list[Sentence]:
    """Sentences, cut where a list item begins within one."""
    out: list[Sentence] = []
    for sentence in sentences:
        at = sentence.start
        for k in range(bisect_right(starts, sentence.start), bisect_left(starts, sentence.end)):
            # the first item after 要求， is found with the verb; later ones part the sentence
            if k == 0 and at == sentence.start:
                continue
            out.append(Sentence(at, max(at + 1, starts[k] - 1), "；"))
            at = starts[k]
        out.append(Sentence(at, sentence.end, sentence.stop))
    return out


def _opener_verb(opener: str) -> str:
    for verb in ("要求", "强调", "提出", "提醒", "倡议", "明确", "部署", "通知", "提示", "公告", "发布"):
        if verb in opener:
            return "提出" if opener.startswith("提出") else verb
    return "要求"

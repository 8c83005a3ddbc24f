"""Orders of a clean text: who requires what of whom.

In:     paragraphs, Actors, the lexicon's patterns
Out:    Order, in text order
Not:    who says it (passages.py), what makes a sentence a duty (duties.py)
Words:  item = one entry of a list with ordinals; live = under a verb that introduces duties
Source: the labelling guideline: ordinal item, closed list, no ordinal, sentence before the list, lead paragraph
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace

from clearway.notices.lexicon import Lexicon
from clearway.notices.orders.actors import Actors, ActorWords
from clearway.notices.orders.duties import Duties
from clearway.notices.orders.fields import Fields
from clearway.notices.orders.passages import LOOK_BACK, Introductions, Passage
from clearway.notices.orders.periods import Periods
from clearway.notices.orders.sentences import Mark, Sentence, marks_of, split_sentences
from clearway.notices.orders.topics import Topics
from clearway.notices.types import Order, Part

_ORDINAL = re.compile("^(?:[一二三四五六七八九十]{1,3}[、是]|[（(][^）)]{1,3}[）)])")
_LEAD = 14  # characters before a list that can hold a requirement of their own
_COLONS = ("：", ":")
_SEMICOLONS = ("；", ";")


@dataclass
class Found:
    """An order before its fields are read: where its text stands in the paragraph, and its sentences."""

    start: int
    end: int
    ordinal: str | None
    passage: Passage
    sentences: list[tuple[int, int]]


@dataclass
class State:
    """What holds from paragraph to paragraph: the passage, who speaks, the number a list goes on with."""

    passage: Passage | None = None
    speaker: str | None = None
    expect: int | None = None
    before: str = ""


@dataclass
class Paragraph:
    """One paragraph on its way: its marks, the item that is open, the orders so far."""

    line: str
    marks: list[Mark]
    starts: list[int]
    passage: Passage | None
    live: bool
    item: Found | None = None
    closed: bool = False
    found: list[Found] = field(default_factory=list)

    def mark_within(self, start: int, end: int) -> Mark | None:
        """The first ordinal marker in a stretch of the paragraph."""
        k = bisect_left(self.starts, start)
        return self.marks[k] if k < len(self.marks) and self.starts[k] < end else None

    def ends_list(self, at: int) -> bool:
        """Whether a list of items joined by ； ends with the 。 at a place: it does with its last item.

        Where earlier items have several sentences, the last one may as well.
        """
        if not self.closed or self.list_follows(at):
            return False
        return all(len(found.sentences) == 1 for found in self.found if found.ordinal is not None)

    def list_follows(self, at: int) -> bool:
        """Whether an ordinal marker stands behind a place."""
        return bool(self.starts) and self.starts[-1] >= at


class OrderFinder:
    """Patterns of orders, compiled once."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.actors = ActorWords(lexicon)
        self._passages = Introductions(lexicon, self.actors)
        self._duties = Duties(lexicon)
        self._fields = Fields(lexicon)
        self._topics = Topics(lexicon)
        self._periods = Periods(lexicon)

    def find(
        self, lines: list[str], actors: Actors, title: int | None, day: str | None
    ) -> tuple[list[Order], list[str]]:
        """Orders of the lines of a clean text, and the issuers in order of appearance."""
        orders: list[Order] = []
        state = State()
        offset = 0
        for para, line in enumerate(lines):
            if para != title and line.strip():
                for found in self._paragraph(line, actors, state):
                    orders.append(self._order(len(orders) + 1, para, offset, line, found, day))
            state.before = (state.before + line + "\n")[-LOOK_BACK:]
            offset += len(line) + 1
        issuers = list(dict.fromkeys(o.issuer for o in orders if o.issuer))
        return orders, issuers

    # ------------------------------------------------------------ a paragraph

    def _paragraph(self, line: str, actors: Actors, state: State) -> list[Found]:
        """Orders of one paragraph; the state is taken on to the next."""
        marks = marks_of(line, state.expect)
        passage = state.passage
        opened = passage is not None and passage.open
        if passage is not None:
            passage = replace(passage, open=False)
        # a paragraph without a verb of its own goes on where the last one ended with a colon, or begins like an item
        live = passage is not None and (opened or self._goes_on(line, marks, state.expect))
        part = Paragraph(line, marks, [m.start for m in marks], passage, live)
        at_mark = {m.start: m for m in marks}
        for sentence in _cut(split_sentences(line), part.starts):
            mark = at_mark.get(sentence.start)
            if mark is None and self._introduce(part, sentence, actors, state):
                continue
            self._take(part, sentence, mark, actors, state)
        self._leave(part, opened, state)
        return part.found

    def _introduce(self, part: Paragraph, sentence: Sentence, actors: Actors, state: State) -> bool:
        """Open the passage that a sentence introduces, and take the duty in the rest of it; False where it does not."""
        line = part.line
        introduced = self._passages.introduced(line, sentence, state.before, actors, state.speaker, part.passage)
        if introduced is None:
            return False
        part.passage, rest, state.speaker = introduced
        part.live, part.item, part.closed = True, None, False
        if rest is None:
            return True
        # a list may begin right after the verb, or after who is addressed
        begin = part.mark_within(rest, sentence.end)
        if begin is not None:
            part.passage = self._addressing(line[rest : begin.start], part.passage)
            if begin.start - rest > _LEAD and self._duties.requires(line[rest : begin.start], part.passage.telling):
                part.found.append(_single(line, rest, begin.start, part.passage))
            self._take(part, Sentence(begin.start, sentence.end, sentence.stop), begin, actors, state)
            return True
        self._lone(part, Sentence(rest, sentence.end, sentence.stop), part.passage)
        return True

    def _take(self, part: Paragraph, sentence: Sentence, mark: Mark | None, actors: Actors, state: State) -> None:
        """Take a sentence that opens no passage: an item, more of an item, an order of its own, or none."""
        text = part.line[sentence.start : sentence.end]
        if not part.live or part.passage is None:
            opened = self._passages.opened(text, sentence, actors, state.before)
            if opened is not None:
                part.passage, part.live = opened, True
            return
        report = self._duties.is_report(text)
        if mark is not None:
            if report:
                part.live = part.item is not None
                return
            part.item = Found(
                sentence.start, sentence.end, mark.ordinal, part.passage, [(sentence.start, sentence.end)]
            )
            part.found.append(part.item)
            if sentence.stop in _SEMICOLONS:
                part.closed = True
            elif part.ends_list(sentence.end):
                part.item = None
        elif report:
            part.item, part.live = None, False
        elif part.item is not None:
            part.item.end = sentence.end
            part.item.sentences.append((sentence.start, sentence.end))
            if sentence.stop in _SEMICOLONS and part.mark_within(sentence.end, sentence.end + 3):
                part.closed = True
        else:
            self._lone(part, sentence, part.passage)

    def _lone(self, part: Paragraph, sentence: Sentence, passage: Passage) -> None:
        """A sentence without ordinal: an order where it requires something; it may address the list behind it."""
        text = part.line[sentence.start : sentence.end]
        duty = not self._duties.is_background(text) and self._duties.requires(text, passage.telling, passage.verb)
        if duty:
            part.found.append(_single(part.line, sentence.start, sentence.end, passage))
        if part.list_follows(sentence.end) if duty else text.endswith(_COLONS):
            part.passage = self._addressing(text, passage)
        if text.endswith(_COLONS) and part.passage is not None:
            part.passage = replace(part.passage, open=sentence.stop == "" or not duty)

    def _leave(self, part: Paragraph, opened: bool, state: State) -> None:
        """Decide what of the paragraph's passage holds in the next one."""
        passage = part.passage
        if part.marks and part.live:
            state.expect = part.marks[-1].number + 1
        if passage is not None:
            if part.live and part.line.rstrip().endswith(_COLONS):
                passage = replace(passage, open=True)
            elif not part.live and (part.found or not opened):
                passage = replace(passage, open=False)
            if not part.live and not part.found and self._duties.is_report(part.line[:120]):
                passage = None
        state.passage = passage

    def _goes_on(self, line: str, marks: list[Mark], expect: int | None) -> bool:
        if marks and marks[0].start == 0 and marks[0].number in (1, expect):
            return True
        return self.actors.addressed_at(line) is not None or bool(
            re.match(r"(?:同时[，,]?)?(?:还)?要(?!求|闻|点)", line)
        )

    def _addressing(self, text: str, passage: Passage) -> Passage:
        """The passage with whom a text addresses, for the list behind it."""
        told = self.actors.addressed(text)
        if not told:
            m = self.actors.phrase.fullmatch(text.strip("，：,: ").removesuffix("要").removesuffix("，"))
            told = (m[0],) if m else ()
        return replace(passage, addressee=told[0]) if told else passage

    # ------------------------------------------------------------ its fields

    def _order(self, n: int, para: int, offset: int, line: str, found: Found, day: str | None) -> Order:
        text = line[found.start : found.end]
        sentences = [line[a:b] for a, b in found.sentences]
        passage = found.passage
        told: dict[str, None] = {}
        for sentence in sentences:
            told.update(dict.fromkeys(self.actors.addressed(_ORDINAL.sub("", sentence))))
        addressee = "；".join(told) or (passage.addressee if found.ordinal is not None else None)
        topics = self._topics.of(sentences) or ("other",)
        deadline = self._fields.deadline(text)
        place, codes = self._fields.places(text, passage.issuer)
        parts: tuple[Part, ...] = ()
        if found.ordinal is not None and len(sentences) > 1:
            parts = tuple(
                Part(f"{found.ordinal}.{i}", sentence, self._topics.of([sentence]) or topics[:1])
                for i, sentence in enumerate(sentences, 1)
            )
        return Order(
            n=n,
            para=para,
            start=offset + found.start,
            end=offset + found.end,
            issuer=passage.issuer,
            speaker=passage.speaker,
            verb=passage.verb,
            addressee=addressee,
            ordinal=found.ordinal,
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


def _single(line: str, start: int, end: int, passage: Passage) -> Found:
    """An order without ordinal; whom a list is addressed to is not its own."""
    while end > start and line[end - 1] in "，：、 ":
        end -= 1
    return Found(start, end, None, replace(passage, addressee=None), [(start, end)])


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

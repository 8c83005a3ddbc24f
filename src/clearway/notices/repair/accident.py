"""Characters lost to a wrong encoding: undone by letting the same accident happen to phrases of the trade.

In:     Draft in simplified characters without pinyin, phrases of the lexicon
Out:    the Draft, changed where one phrase alone explains the damage, flagged where none or several do
Not:    encodings of whole pages (decoding.py)
Words:  accident = what a careless program does to GBK bytes: it replaces full-width punctuation byte by byte, also
        where the two bytes belong to two characters; it loses a byte, or overwrites one; it has no such character.
        scar = what a reader sees of it: question marks, wrong characters, characters missing
Source: GBK and GB 18030 code tables; decoders that answer '?' for half a character
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from clearway.notices.repair.draft import Draft, Edit
from clearway.notices.repair.readings import reads

# what decoders write for a character that they do not know
MARKS = "?？\ufffd□▯◇■\ue000-\uf8ff"
_MARK = re.compile(f"[{MARKS}]")
_LOST = re.compile("[\ufffd□▯\ue000-\uf8ff]")
_TWICE = re.compile("锟斤拷|锟斤|烫烫烫|屯屯屯")
_FOLD = {0xFF01: "!", 0xFF0C: ",", 0xFF1A: ":", 0xFF1B: ";", 0xFF1F: "?", 0xFF08: "(", 0xFF09: ")", 0xFFFD: "?"}
_FOLD |= {ord(c): "?" for c in "□▯◇■"} | {code: "?" for code in range(0xE000, 0xF900)}
_PUNCTUATION = {bytes((0xA3, ord(c) + 0x80)): c.encode() for c in "!,:;?()"}
_TAILS = ("", "，", "。", "、", "；", "”", "”，", "”、", "”。", "”的", "(")
_LOST_TAILS = ("", "，", "。")
_LONGEST = 18
_MOST_SITES = 5_000  # a page with more marks than that is not damaged but something else
_LEFTOVER = re.compile(r"([a-zāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜü]{1,6})\s*[)）]")


class Accidents:
    """What phrases look like after each accident; made when a page first needs it."""

    def __init__(self, phrases: tuple[str, ...], simplified: Callable[[str], str]) -> None:
        self._phrases = phrases
        self._simplified = simplified
        self._scars: dict[str, set[str]] | None = None

    def restore(self, draft: Draft) -> None:
        """Restore what one phrase alone explains; flag other characters that are certainly lost."""
        if _TWICE.search(draft.text):
            # the bytes of two U+FFFD, read as GBK
            draft.apply([(m.start(), m.end(), "\ufffd\ufffd", "unclear", 1.0) for m in _TWICE.finditer(draft.text)])
        text = draft.text
        sites = [m.start() for m in _MARK.finditer(text)]
        if not sites:
            return
        folded = text.translate(_FOLD)
        edits: list[Edit] = []
        flags: list[tuple[int, int]] = []
        done = 0
        for k, site in enumerate(sites):
            if site < done:
                continue
            found = self._explain(folded, site, done) if k < _MOST_SITES else None
            if found is None:
                if _LOST.match(text[site]):
                    flags.append((site, site + 1))
                continue
            start, end, readings = found
            line = text[text.rfind("\n", 0, start) + 1 : start]
            readings = _in_quotes(readings, line.count("“") > line.count("”"))
            if len(readings) > 1:
                flags.append((start, end))
                done = end
                continue
            (new,) = readings
            leftover = _LEFTOVER.match(text, end)
            if leftover and reads(new, leftover[1]):
                end = leftover.end()
            edits.append((start, end, new, "restored", 0.9))
            done = end
        for start, end in flags:
            draft.flag(start, end, "unclear", 0.5)
        draft.apply(edits)

    def _explain(self, folded: str, site: int, done: int) -> tuple[int, int, set[str]] | None:
        """The longest stretch around a site that phrases explain, and what could have stood there."""
        scars = self.scars()
        first = max(done, site - _LONGEST)
        for length in range(_LONGEST, 3, -1):
            for start in range(max(first, site - length + 1), site + 1):
                piece = folded[start : start + length]
                if len(piece) == length and "\n" not in piece and piece in scars:
                    return start, start + length, scars[piece]
        return None

    def scars(self) -> dict[str, set[str]]:
        """Damaged text -> what it may have been."""
        if self._scars is None:
            damaged: dict[tuple[str, str], None] = {}
            for phrase in self._phrases:
                damaged.update(dict.fromkeys(unknown_characters(phrase)))
            damaged.update(dict.fromkeys(self._damaged()))
            told = self._simplified("\n".join(scar for scar, _ in damaged)).translate(_FOLD).split("\n")
            scars: dict[str, set[str]] = {}
            for scar, (_, whole) in zip(told, damaged, strict=True):
                if len(scar) > 3:
                    scars.setdefault(scar, set()).add(whole)
            self._scars = scars
        return self._scars

    def _damaged(self) -> Iterator[tuple[str, str]]:
        traditional = _traditional("\n".join(self._phrases)).split("\n")
        for phrase, other in zip(self._phrases, traditional, strict=True):
            for form in dict.fromkeys((phrase, other)):
                for tail in _TAILS:
                    data = (form + tail).encode("gb18030")
                    whole = phrase + ("" if tail == "(" else tail)
                    for hurt in _accidents(data, tail in _LOST_TAILS):
                        for scar in _decoded(hurt):
                            if "?" in scar and "\n" not in scar:
                                yield scar, whole


def unknown_characters(phrase: str) -> Iterator[tuple[str, str]]:
    """A phrase of which a character, or two side by side, is not in the character set of whoever wrote it down."""
    n = len(phrase)
    for i in range(n):
        # at an edge a question mark may be one
        if n >= (3 if 0 < i < n - 1 else 5):
            yield f"{phrase[:i]}?{phrase[i + 1 :]}", phrase
            yield f"{phrase[:i]}??{phrase[i + 1 :]}", phrase
        if n >= 5 and 0 < i < n - 2:
            yield f"{phrase[:i]}??{phrase[i + 2 :]}", phrase
            yield f"{phrase[:i]}????{phrase[i + 2 :]}", phrase


def _accidents(data: bytes, lost: bool) -> Iterator[bytes]:
    """What may become of bytes: punctuation replaced in them; a byte lost or overwritten, where asked for."""
    hurt = data
    for wide, half in _PUNCTUATION.items():
        hurt = hurt.replace(wide, half)
    if hurt != data:
        yield hurt
    for k in range(len(data) if lost else 0):
        yield data[:k] + data[k + 1 :]
        yield data[:k] + b"?" + data[k + 1 :]


def _decoded(data: bytes) -> list[str]:
    """What decoders make of bytes: half a character is '?', what follows it is read again or swallowed."""
    outs = [""]
    at = 0
    while at < len(data):
        byte = data[at]
        if byte < 0x80:
            outs = [out + chr(byte) for out in outs]
            at += 1
            continue
        trail = data[at + 1] if at + 1 < len(data) else None
        if trail is not None and trail >= 0x40 and trail != 0x7F:
            try:
                character = data[at : at + 2].decode("gb18030")
            except UnicodeDecodeError:
                character = "\ue000"
            if "\ue000" <= character <= "\uf8ff":  # private use: shown as nothing, or as '?'
                outs = [out + mark for out in outs for mark in ("", "?")]
            else:
                outs = [out + character for out in outs]
            at += 2
        elif trail is None:
            outs = [out + "?" for out in outs]
            at += 1
        elif trail == 0x28:
            outs = [out + mark for out in outs for mark in ("?(", "?")]
            at += 2
        else:
            outs = [out + "?" for out in outs]
            at += 1
        if len(outs) > 8:
            return []
    return outs


def _in_quotes(readings: set[str], quoted: bool) -> set[str]:
    """Readings that close a quotation where one is open, and do not where none is."""
    if len(readings) > 1:
        fitting = {r for r in readings if (r.count("”") > r.count("“")) == quoted}
        return fitting or readings
    return readings


def _traditional(phrase: str) -> str:
    import opencc

    converted: str = opencc.OpenCC("s2t").convert(phrase)
    return converted

"""Pinyin inserted after characters: out, where it is a reading of the characters before it.

In:     Draft
Out:    the Draft, changed
Not:    other brackets, which stay
Words:  reading = a pronunciation of a character, with or without its tone
Source: Unihan readings as kept by pypinyin
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from clearway.notices.repair.draft import Draft, Edit

_LETTERS = "a-zA-ZüÜêāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹḿĀÁǍÀĒÉĚÈŌÓǑÒ"
_BRACKETED = re.compile(rf"(?<=[㐀-鿿𠀀-𯿿〇])[ \t]*[(（\[【〔［]([{_LETTERS} \t'’:\d·]{{1,40}})[)）\]】〕］][ \t]?")
# without brackets only where a tone is marked: letters alone may be a brand or a unit
_TONED = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ"
_BARE = re.compile(
    rf"(?<=[㐀-鿿])[ \t]?((?=[{_LETTERS}]{{0,6}}[{_TONED}])[{_LETTERS}]{{1,7}})[ \t]?(?=[㐀-鿿，。、；：“”（）,]|$)",
    re.M,
)
_LONGEST = 6


def drop_readings(draft: Draft) -> None:
    """Remove pinyin after the characters that are read so."""
    text = draft.text
    edits: list[Edit] = []
    known: set[tuple[str, str]] = set()  # one character and its reading, seen before: most are
    for pattern, sure in ((_BRACKETED, 0.99), (_BARE, 0.95)):
        for found in pattern.finditer(text):
            start, end = found.span()
            key = (text[start - 1], found[1])
            if key not in known:
                if not reads(text[max(0, start - _LONGEST) : start], key[1]):
                    continue
                if reads(key[0], key[1]):
                    known.add(key)
            edits.append((start, end, "", "reading", sure))
    if edits:
        edits.sort()
        draft.apply(_apart(edits))


def _apart(edits: list[Edit]) -> list[Edit]:
    kept: list[Edit] = []
    for edit in edits:
        if not kept or edit[0] >= kept[-1][1]:
            kept.append(edit)
    return kept


def reads(before: str, pinyin: str) -> bool:
    """Whether ``pinyin`` is how the last characters of ``before`` are read, one to six of them."""
    wanted = plain(pinyin)
    if not wanted or len(wanted) > 40:
        return False
    return _reads(before[-_LONGEST:], wanted)


@cache
def _reads(before: str, wanted: str) -> bool:
    if not wanted:
        return True
    if not before:
        return False
    # the last character takes a syllable off the end, the one before it the next
    return any(
        wanted.endswith(syllable) and (wanted == syllable or _reads(before[:-1], wanted[: -len(syllable)]))
        for syllable in _syllables(before[-1])
    )


@cache
def plain(pinyin: str) -> str:
    """Letters of pinyin without tones, spaces and case; ü as v."""
    out: list[str] = []
    for c in unicodedata.normalize("NFD", pinyin.lower().replace("u:", "v")):
        if c == "\u0308" and out and out[-1] == "u":
            out[-1] = "v"
        elif c == "ê":
            out.append("e")
        elif c.isascii() and c.isalpha():
            out.append(c)
    return "".join(out)


@cache
def _syllables(character: str) -> tuple[str, ...]:
    told = _dictionary().get(ord(character), "")
    out = {plain(reading) for reading in told.split(",")} - {""}
    for syllable in list(out):
        if "v" in syllable:  # nü, lüe are also typed nu, lue, nuu
            out |= {syllable.replace("v", "u"), syllable.replace("v", "yu")}
    return tuple(sorted(out, key=len, reverse=True))


@cache
def _dictionary() -> dict[int, str]:
    from pypinyin.pinyin_dict import pinyin_dict

    return dict(pinyin_dict)

"""Bytes to text: which encoding a page really has, whatever it says.

In:     bytes, the encoding that the page declares
Out:    text and the name of its encoding; NoticeFaultError where the bytes are no text
Not:    formats (opening.py)
Words:  plausible = share of Chinese characters that are among the 3,755 everyday ones (GB 2312, level 1)
"""

from __future__ import annotations

import codecs
import re

from clearway.notices.errors import NoticeFaultError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHINESE = ("gb18030", "big5hkscs")
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:\-]{2,20})""", re.I)
_SAMPLE = 20_000
_CONTROLS = bytes((*range(1, 9), *range(14, 27), *range(28, 32)))
_HANZI = re.compile("[一-鿿]")
_RARE = re.compile("[㐀-䶿\ue000-\uf8ff\U00020000-\U0010ffff\x80-\x9f]")
# UTF-8 bytes read as Latin-1 or Windows-1252 and saved again
_TWICE = re.compile("[ÃÂäåæçèé][\x80-\xbf€-™]")


def declared_encoding(data: bytes) -> str | None:
    """What the head of a page says its encoding is, where Python knows that name."""
    found = _DECLARED.search(data[:4096])
    if not found:
        return None
    name = found[1].decode("ascii").lower()
    # what calls itself GB 2312 is GBK or later in practice, and so is Big5 with its extensions
    name = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs"}.get(name, name)
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None


def decode(data: bytes, declared: str | None = None) -> tuple[str, str]:
    """Text of a page and the encoding it was read in.

    A byte order mark decides; then UTF-8 where every byte agrees; then the most plausible of what is declared,
    GB 18030, Big5 and UTF-16. Bytes that are wrong in all become U+FFFD. Raises NoticeFaultError for bytes that
    are no text and for UTF-8 that ends within a character.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            text = data.decode(name, "replace")
            return text.removeprefix("\ufeff"), name
    wide = _wide(data)
    if wide is not None:
        return data.decode(wide, "replace"), wide
    if b"\0" in data[:_SAMPLE] or _controls(data[:_SAMPLE]):
        raise NoticeFaultError("binary")
    try:
        return _once(data.decode("utf-8")), "utf-8"
    except UnicodeDecodeError as error:
        damaged = data.decode("utf-8", "replace")
        if error.start >= len(data) - 3 and error.end == len(data):
            raise NoticeFaultError("cut_short", byte=error.start) from None
    best = _best(data, damaged, declared)
    return data.decode(best, "replace"), best


def plausible(text: str) -> float:
    """How much like Chinese as it is written a text looks, from 0 to 1."""
    sample = text[:_SAMPLE]
    hanzi = _HANZI.findall(sample)
    if not hanzi:
        return 0.0
    everyday = sum(_everyday(c) for c in hanzi)
    strange = len(_RARE.findall(sample)) + sample.count("\ufffd")
    return everyday / (len(hanzi) + 2 * strange)


def _best(data: bytes, damaged: str, declared: str | None) -> str:
    """The encoding in which the bytes make most sense; UTF-8 with some damage among them."""
    candidates = dict.fromkeys(name for name in (declared, *_CHINESE) if name)
    scores = {"utf-8": plausible(damaged)}
    for name in candidates:
        try:
            scores[name] = plausible(data[: 3 * _SAMPLE].decode(name, "replace")) + (0.01 if name == declared else 0)
        except (LookupError, ValueError):
            continue
    best = max(scores, key=lambda name: scores[name])
    if scores[best] < 0.3 and not damaged.isprintable() and damaged.count("\ufffd") > len(damaged) // 10:
        raise NoticeFaultError("binary")
    return best


def _everyday(character: str) -> bool:
    try:
        lead = character.encode("gb2312")[0]
    except UnicodeEncodeError:
        # traditional characters have no place in GB 2312; the usual ones stand in the first part of Big5
        try:
            return 0xA4 <= character.encode("big5")[0] <= 0xC6
        except UnicodeEncodeError:
            return False
    return lead < 0xD8


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of ASCII is zero, and Chinese makes sense in one of the two orders."""
    sample = data[:4000]
    if len(data) % 2 or not (b"\0" in sample or _controls(sample)):
        return None
    scores = {name: plausible(sample.decode(name, "replace")) for name in ("utf-16-le", "utf-16-be")}
    best = max(scores, key=lambda name: scores[name])
    even, odd = sample[0::2], sample[1::2]
    if scores[best] > 0.6:
        return best
    for name, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros.count(0) > 0.9 * len(zeros) and others.count(0) == 0:
            return name
    return None


def _controls(sample: bytes) -> bool:
    return len(sample) - len(sample.translate(None, _CONTROLS)) > len(sample) // 50


def _once(text: str) -> str:
    """Undo UTF-8 that was read as Windows-1252 and written again."""
    sample = text[:_SAMPLE]
    if len(_TWICE.findall(sample)) < 8 or len(_HANZI.findall(sample)) > len(sample) // 20:
        return text
    for name in ("cp1252", "latin-1"):
        try:
            return text.encode(name).decode("utf-8")
        except UnicodeError:
            continue
    return text

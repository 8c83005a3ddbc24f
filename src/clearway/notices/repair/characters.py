"""Characters: invisible ones out, look-alikes and traditional forms to the simplified character that was meant.

In:     Draft, Lexicon
Out:    the Draft, changed
Not:    characters that were lost (accident.py), pinyin (readings.py)
Words:  variant = another form of the same character
Source: OpenCC (t2s), Unicode NFKC for compatibility forms
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import cached_property
from typing import Any

from clearway.notices.lexicon import Lexicon
from clearway.notices.repair.draft import Draft

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]+"
)
_ENTITY = re.compile(r"&(?:[A-Za-z]{2,8}|#\d{2,6}|#x[0-9A-Fa-f]{2,6});")
_COMPATIBLE = re.compile("[\u2e80-\u2fdf\uf900-\ufaff\U0002f800-\U0002fa1f]")
_WIDE = re.compile("[０-９Ａ-Ｚａ-ｚ％＋－．／＆＃＠]+")
_RADICALS = {
    "⺠": "民",
    "⻓": "长",
    "⻔": "门",
    "⻋": "车",
    "⻚": "页",
    "⻛": "风",
    "⻢": "马",
    "⻝": "食",
    "⻄": "西",
    "⻅": "见",
}


class Characters:
    """Conversions of single characters, compiled once."""

    def __init__(self, lexicon: Lexicon) -> None:
        table = lexicon["characters"]
        self._variants = str.maketrans(table["variants"])
        self._variant = re.compile("[" + "".join(map(re.escape, table["variants"])) + "]")
        words: dict[str, str] = {k: v for k, v in table["words"].items() if k != v}
        self._words = words
        self._word = re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))) or r"(?!)")
        before, after = "".join(table["zhu"]["keep_before"]), "".join(table["zhu"]["keep_after"])
        self._zhu = re.compile(f"(?<![{before}])著(?![{after}])")

    @cached_property
    def _simplify(self) -> Any:
        import opencc

        return opencc.OpenCC("t2s")

    def tidy(self, draft: Draft) -> None:
        """Remove what shows nothing, undo entities, make forms regular."""
        text = draft.text
        if "&" in text:
            draft.apply((m.start(), m.end(), html.unescape(m[0]), "entity", 1.0) for m in _ENTITY.finditer(text))
        draft.apply((m.start(), m.end(), "", "invisible", 1.0) for m in _INVISIBLE.finditer(draft.text))
        if _COMPATIBLE.search(draft.text):
            edits = []
            for m in _COMPATIBLE.finditer(draft.text):
                same = _RADICALS.get(m[0]) or unicodedata.normalize("NFKC", m[0])
                if same != m[0]:
                    edits.append((m.start(), m.end(), same, "compatibility", 1.0))
            draft.apply(edits)
        if _WIDE.search(draft.text):
            draft.exchange(_WIDE.sub(lambda m: unicodedata.normalize("NFKC", m[0]), draft.text), "width", 1.0)

    def simplified(self, text: str) -> str:
        """Text in simplified characters, as long as it was."""
        out: str = self._simplify.convert(text)
        if len(out) != len(text):
            out = "".join(
                new if len(new) == len(line) else line
                for line in text.splitlines(keepends=True)
                for new in (self._simplify.convert(line),)
            )
        return out

    def simplify(self, draft: Draft) -> None:
        """Every traditional or wrongly converted character becomes the simplified one that was meant."""
        text = draft.text
        out = self.simplified(text)
        if "著" in out:
            out = self._zhu.sub("着", out)
        if self._variant.search(out):
            out = out.translate(self._variants)
        out = self._word.sub(lambda m: self._words[m[0]], out)
        if out != text:
            draft.exchange(out, "traditional", 0.99)

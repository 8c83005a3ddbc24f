"""Spaces and punctuation: inserted and doubled marks out, full-width marks between Chinese characters.

In:     Draft in simplified characters
Out:    the Draft, changed
Not:    which lines stay (article.py)
Source: GB/T 15834-2011 (Chinese punctuation)
"""

from __future__ import annotations

import re

from clearway.notices.repair.draft import Draft, Edit

_HAN = "㐀-鿿〇𠀀-𯿿"
_MARKS = "，。、；：？！“”‘’（）《》〈〉【】〔〕…—"
_SPACE = "[ \\t\\xa0\\u2002-\\u200a\\u202f\\u3000]"
_GAP = re.compile(
    f"(?<=[{_HAN}{_MARKS},;:?!()]){_SPACE}+(?=[{_HAN}{_MARKS},;:?!()])|{_SPACE}+(?=[，。、；：？！,;](?:[^\\x00-\\x7f]|$))"
)
_DIGIT_GAP = re.compile(f"(?<=[{_HAN}{_MARKS}]){_SPACE}+(?=\\d)|(?<=\\d){_SPACE}+(?=[{_HAN}%℃])")
_EDGE = re.compile(f"^{_SPACE}+|{_SPACE}+$", re.M)
# commas in front of another mark, marks that stand twice, commas after a stop
_FILLER = re.compile(
    "[,，](?:\\s?[,，])*\\s?(?=[、。；;：:？?！!）)》”])|(?<=[、。；：？！])\\s?[,，]+|([,，、。；：])\\1+"
)
_FILLER_DOTS = re.compile("[,，]\\s?(?=[,，])")
_HALF = {",": "，", ";": "；", ":": "：", "?": "？", "!": "！", "(": "（", ")": "）"}
_ASCII = re.compile("[,;:?!()]")
_BESIDE = frozenset(_MARKS + "〇")
_CHINESE = re.compile(f"[{_HAN}{_MARKS}]")
_STOP = re.compile(f"(?<=[{_HAN}”）])[.．｡](?=[{_HAN}“]|$)", re.M)
_CORNERS = dict(
    {
        "「": "“",
        "」": "”",
        "『": "‘",
        "』": "’",
        "﹁": "“",
        "﹂": "”",
        "〝": "“",
        "〞": "”",
        "＂": '"',
        "､": "、",
        "﹐": "，",
        "﹔": "；",
        "﹕": "：",
        "﹑": "、",
    }
)
_CORNER = re.compile("[" + "".join(map(re.escape, _CORNERS)) + "]")
_STRAIGHT = re.compile('"[^"\\n]{1,80}"')
_HEADING_GAP = 4


def close_gaps(draft: Draft) -> None:
    """Remove spaces inserted between Chinese characters; single ones between the clauses of a heading stay."""
    text = draft.text
    edits: list[Edit] = []
    at = 0
    for line in text.split("\n"):
        found = list(_GAP.finditer(line))
        if found and not _heading(line, found):
            edits += [(at + m.start(), at + m.end(), "", "space", 0.97) for m in found]
        at += len(line) + 1
    draft.apply(edits)
    draft.apply([(m.start(), m.end(), "", "space", 0.9) for m in _DIGIT_GAP.finditer(draft.text)])
    draft.apply([(m.start(), m.end(), "", "space", 1.0) for m in _EDGE.finditer(draft.text)])


def _heading(line: str, found: list[re.Match[str]]) -> bool:
    """Whether spaces part the clauses of a title: no sentence ends in the line, and no clause is tiny."""
    if len(found) > 4 or "。" in line or len(line) > 90:
        return False
    clauses = re.split(_SPACE + "+", line.strip())
    return all(len(clause) >= _HEADING_GAP for clause in clauses)


def mend_punctuation(draft: Draft) -> None:
    """Remove filler marks, make the others full-width where Chinese stands beside them."""
    draft.apply([(m.start(), m.end(), _CORNERS[m[0]], "quotes", 0.98) for m in _CORNER.finditer(draft.text)])
    edits: list[Edit] = []
    for m in _FILLER.finditer(draft.text):
        if m[1]:
            if m[1] == "。" and len(m[0]) >= 3:
                continue  # 。。。 stands for an ellipsis
            edits.append((m.start() + 1, m.end(), "", "filler", 0.97))
        else:
            edits.append((m.start(), m.end(), "", "filler", 0.97))
    draft.apply(edits)
    draft.apply([(m.start(), m.end(), "", "filler", 0.97) for m in _FILLER_DOTS.finditer(draft.text)])
    _widen(draft)
    if '"' in draft.text:
        quoted: list[Edit] = []
        for m in _STRAIGHT.finditer(draft.text):
            if _CHINESE.search(m[0]):
                quoted.append((m.start(), m.start() + 1, "“", "quotes", 0.95))
                quoted.append((m.end() - 1, m.end(), "”", "quotes", 0.95))
        draft.apply(quoted)


def _widen(draft: Draft) -> None:
    text = draft.text
    last = len(text) - 1
    edits: list[Edit] = []
    widened = -1
    for m in _ASCII.finditer(text):
        at, mark = m.start(), m[0]
        before, after = text[at - 1] if at else "\n", text[at + 1] if at < last else "\n"
        left, right = (
            before in _BESIDE or "㐀" <= before <= "鿿" or widened == at - 1 >= 0,
            after in _BESIDE or "㐀" <= after <= "鿿",
        )
        if mark in ",:" and before.isdigit() and after.isdigit():
            continue
        if mark in "()":
            # an opening bracket follows what is before it, a closing one belongs to its opening
            inner = text[at + 1 : at + 40] if mark == "(" else text[max(0, at - 40) : at]
            wide = left or right or bool(_CHINESE.search(inner))
        else:
            wide = left or (right and (mark != ":" or before.isdigit()))
        if wide:
            edits.append((at, at + 1, _HALF[mark], "punctuation", 0.99))
            widened = at
    draft.apply(edits)
    draft.apply([(m.start(), m.end(), "。", "punctuation", 0.95) for m in _STOP.finditer(draft.text)])

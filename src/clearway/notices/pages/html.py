"""HTML to lines: every visible block of a page, and which of them an extractor takes for the article.

In:     decoded HTML
Out:    Page
Not:    other formats (opening.py)
Source: trafilatura (extraction of main text); HTML rendering of blocks
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree, html

from clearway.notices.errors import NoticeFaultError
from clearway.notices.pages.opening import Page

DEPTH = 1_000
_EXTRACT_MB = 1  # beyond that size the extractor takes too long, and line rules decide alone
_HIDDEN = frozenset(
    ["script", "style", "noscript", "template", "head", "iframe", "object", "svg", "math", "canvas", "audio", "video"]
)
_FORMS = frozenset(["select", "option", "textarea", "button", "input", "map", "applet", "rt", "rp"])
# fmt: off
_INLINE = frozenset([
    "a", "abbr", "b", "bdo", "big", "cite", "code", "em", "font", "i", "ins", "kbd", "label", "mark", "q", "s", "small",
    "span", "strong", "strike", "sub", "sup", "tt", "u", "var", "ruby", "rb", "wbr", "st1", "o", "img",
])
# fmt: on
_UNSEEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])", re.I)
_SPACE = re.compile(r"[ \t\r\n\f\xa0\u3000]+")


def html_page(source: str, encoding: str | None) -> Page:
    """The page of an HTML document; raises NoticeFaultError where it is nested beyond reason or shows no text."""
    _require_shallow(source)
    # bytes, so that a declaration of another encoding in the text does not matter
    data = source.encode("utf-8", "replace")
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = html.document_fromstring(data, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise NoticeFaultError("page_empty" if "empty" in str(error) else "unreadable", reason=str(error)) from None
    lines, heading = _visible(root)
    if not any(lines):
        raise NoticeFaultError("page_empty")
    kept = _kept(root, lines) if len(data) <= _EXTRACT_MB << 20 else None
    if heading is None:
        heading = _titled(root, lines)
    return Page("html", "\n".join(lines), encoding, kept, heading)


_VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
        "p",
        "li",
        "td",
        "tr",
        "th",
        "dd",
        "dt",
        "option",
    ]
)


def _require_shallow(source: str) -> None:
    """Refuse nesting beyond reason before a parser spends its stack or time on it."""
    depth = 0
    if source.count("<") < DEPTH:
        return
    for found in re.finditer(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)", source):
        if found[2].lower() in _VOID:
            continue
        if found[1]:
            depth = max(0, depth - 1)
        else:
            depth += 1
            if depth > DEPTH:
                raise NoticeFaultError("page_too_deep", limit=DEPTH)


def _visible(root: Any) -> tuple[list[str], int | None]:
    """Text of each visible block in reading order; the number of the first h1."""
    lines: list[str] = []
    pieces: list[str] = []
    heading: int | None = None

    def end() -> None:
        for line in "".join(pieces).split("\v"):
            lines.append(_SPACE.sub(" ", line).strip())
        pieces.clear()
        while len(lines) > 1 and not lines[-1] and not lines[-2]:
            lines.pop()

    hidden: Any = None
    for event, node in etree.iterwalk(root, events=("start", "end")):
        if not isinstance(node.tag, str):
            continue
        tag = node.tag.lower()
        if event == "start":
            unseen = tag in _HIDDEN or tag in _FORMS or _UNSEEN.search(node.get("style") or "")
            if hidden is None and unseen:
                hidden = node
            if hidden is not None:
                continue
            if tag == "br":
                pieces.append("\v")
            elif tag not in _INLINE:
                end()
                if tag == "h1" and heading is None:
                    heading = len(lines)
            pieces.append(node.text or "")
        else:
            if hidden is None:
                if tag not in _INLINE and tag != "br":
                    end()
            elif hidden is node:
                hidden = None
            if hidden is None:
                pieces.append(node.tail or "")
    end()
    if heading is not None and (heading >= len(lines) or len(lines[heading]) < 4):
        heading = next((i for i in range(heading, min(heading + 3, len(lines))) if len(lines[i]) >= 6), None)
    return lines, heading


def _kept(root: Any, lines: list[str]) -> frozenset[int] | None:
    """Lines that stand in what the extractor takes for the article."""
    import logging

    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    try:
        found = trafilatura.extract(root, include_comments=False, include_tables=True, favor_recall=True, fast=True)
    except Exception:  # an extractor that fails leaves the decision to the line rules
        return None
    if not found:
        return None
    bare = _bare(found)
    return frozenset(i for i, line in enumerate(lines) if _bare(line) and _bare(line) in bare)


def _bare(line: str) -> str:
    """Letters and digits only: extractors normalise spaces, marks and what shows nothing."""
    return re.sub(r"[\W_]+", "", line)


def _titled(root: Any, lines: list[str]) -> int | None:
    """The line that repeats the document's title, without what the site adds to it."""
    names = [root.findtext(".//title") or ""]
    names += [meta.get("content") or "" for meta in root.iter("meta") if "title" in (meta.get("name") or "").lower()]
    names += [m.get("content") or "" for m in root.iter("meta") if m.get("property") == "og:title"]
    for i, line in enumerate(lines):
        bare = _bare(line)
        if len(bare) >= 8 and any(_bare(name).startswith(bare) for name in names):
            return i
    return None

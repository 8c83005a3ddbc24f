"""EPCIS JSON of any size: the head of a document, and its events one text at a time.

In:     a path
Out:    Head; texts of events
Not:    what is in an event (checking.py)

Python's own JSON scanner says where each value ends; only the way down to the list of events is walked here, so
that a document of gigabytes needs the memory of one event.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_BLOCK = 1 << 21
LARGEST = 64 << 20
_SPACE = " \t\r\n"
_DOWN = {
    "": ("epcisBody",),
    "epcisBody": ("queryResults", "eventList"),
    "queryResults": ("resultsBody",),
    "resultsBody": ("eventList",),
}


class DocumentError(ValueError):
    """A document that cannot be read on, in both languages."""

    def __init__(self, reason: str, reason_zh: str) -> None:
        super().__init__(reason)
        self.reason_zh = reason_zh


_CUT = DocumentError("ends in the middle; it was cut short", "在中途结束，文件不完整")


@dataclass
class Head:
    """What a document says around its events."""

    values: dict[str, Any] = field(default_factory=dict)
    has_list: bool = False


class _Cursor:
    """A text read piece by piece; what has been passed is forgotten."""

    def __init__(self, path: Path) -> None:
        self._handle = path.open("rb")
        start = self._handle.read(3)
        self._handle.seek(0)
        wide = start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        self._decoder = codecs.getincrementaldecoder("utf-16" if wide else "utf-8-sig")("strict")
        self._scan = json.JSONDecoder().raw_decode
        self.text, self.at, self.ended = "", 0, False
        self._passed = 0

    def close(self) -> None:
        self._handle.close()

    def more(self) -> bool:
        """Read on; false at the end."""
        if self.ended:
            return False
        block = self._handle.read(max(_BLOCK, len(self.text) - self.at))
        try:
            new = self._decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            raise DocumentError(f"is not UTF-8 ({error.reason})", "不是 UTF-8 编码") from None
        self.ended = not block
        self._passed += self.at
        self.text, self.at = self.text[self.at :] + new, 0
        if len(self.text) > LARGEST:
            raise DocumentError(
                f"holds one value of more than {LARGEST >> 20} MiB", f"有超过 {LARGEST >> 20} MiB 的单个值"
            )
        return not self.ended or bool(new)

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            text, at = self.text, self.at
            while at < len(text) and text[at] in _SPACE:
                at += 1
            self.at = at
            if at < len(text):
                return text[at]
            if not self.more():
                return ""

    def take(self, character: str) -> None:
        """Pass one character that must come next."""
        if self.peek() != character:
            raise self.broken()
        self.at += 1

    def value(self) -> tuple[Any, str]:
        """The next value, and its text."""
        self.peek()
        while True:
            try:
                value, end = self._scan(self.text, self.at)
            except json.JSONDecodeError as error:
                cut = error.pos >= len(self.text) - 16 or error.msg.startswith("Unterminated")
                if cut and self.more():
                    self.peek()
                    continue
                raise (_CUT if cut else self.broken()) from None
            except RecursionError:
                raise DocumentError("is nested too deeply", "嵌套过深") from None
            if end == len(self.text) and not self.ended and self.more():
                continue  # a number may go on
            text = self.text[self.at : end]
            self.at = end
            return value, text

    def broken(self) -> DocumentError:
        """What to say where the text is no JSON."""
        if self.peek() == "":
            return _CUT
        place = f"{self._passed + self.at + 1:,}"  # the text itself may name persons
        return DocumentError(f"is no JSON at character {place}", f"第 {place} 个字符处不是合法的 JSON")


def read_head(path: Path, whole: bool = False) -> Head:
    """What stands around the events; reads to the list of events only where that is enough, unless ``whole``.

    Raises
    ------
    DocumentError
        If it is no JSON object.
    """
    cursor, head = _Cursor(path), Head()
    try:
        for _ in _walk(cursor, head, "", head.values):
            if not whole and "@context" in head.values and "type" in head.values:
                break
    finally:
        cursor.close()
    return head


def event_texts(path: Path) -> Iterator[str]:
    """The text of each event in the document's list.

    Raises
    ------
    DocumentError
        Where the document cannot be read on; what came before is right.
    """
    cursor, head = _Cursor(path), Head()
    try:
        yield from _walk(cursor, head, "", head.values)
        if cursor.peek() != "":
            raise cursor.broken()
    finally:
        cursor.close()


def _walk(cursor: _Cursor, head: Head, level: str, into: dict[str, Any]) -> Iterator[str]:
    if cursor.peek() != "{":
        if level:
            cursor.value()
            return
        raise DocumentError("is no JSON object", "不是 JSON 对象")
    cursor.take("{")
    first = True
    while cursor.peek() != "}":
        if not first:
            cursor.take(",")
        first = False
        if cursor.peek() != '"':
            raise cursor.broken()
        name, _ = cursor.value()
        cursor.take(":")
        if name == "eventList" and name in _DOWN.get(level, ()) and cursor.peek() == "[":
            head.has_list = True
            yield from _list(cursor)
        elif name in _DOWN.get(level, ()) and cursor.peek() == "{":
            into[name] = {}
            yield from _walk(cursor, head, name, into[name])
        else:
            into[name] = cursor.value()[0]
    cursor.take("}")


def _list(cursor: _Cursor) -> Iterator[str]:
    cursor.take("[")
    first = True
    while cursor.peek() != "]":
        if not first:
            cursor.take(",")
        first = False
        yield cursor.value()[1]
    cursor.take("]")

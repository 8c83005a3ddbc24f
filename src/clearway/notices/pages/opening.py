"""Open a page: HTML, text, DOCX or PDF to lines of text.

In:     bytes and a file name
Out:    Page: text with one block a line, what the page says of itself
Not:    which lines are the article (article.py), repair
Words:  kept = lines that a content extractor takes for the article (HTML only)
Source: HTML 5.2 section 10.1 (rendering: what starts a line)
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import PurePath

from clearway.notices.errors import NoticeFaultError
from clearway.notices.pages.decoding import declared_encoding, decode

LIMIT_MB = 32
_UNPACKED_MB = 128
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MARKUP = re.compile(r"<(?:!doctype\s+html|html|head|body|div|p|table|meta|title)[\s>/]", re.I)
SUFFIXES = (".html", ".htm", ".xhtml", ".shtml", ".txt", ".text", ".md", ".docx", ".pdf")


@dataclass(frozen=True)
class Page:
    """A page before anything is repaired.

    ``text`` has one block of the page a line. ``kept`` holds numbers of the lines that the extractor takes for the
    article, or is None where there was none to ask. ``heading`` is the line that the page marks up as its title.
    """

    format: str
    text: str
    encoding: str | None = None
    kept: frozenset[int] | None = None
    heading: int | None = None


def open_page(data: bytes, name: str) -> Page:
    """Open a page by its bytes, whatever its name says; raises NoticeFaultError."""
    if len(data) > LIMIT_MB << 20:
        raise NoticeFaultError("page_too_large", size=len(data) >> 20, limit=LIMIT_MB)
    if not data.strip(b"\0 \t\r\n\x0c"):
        raise NoticeFaultError("page_empty")
    suffix = PurePath(name).suffix.lower()
    if data.startswith(b"%PDF") or (suffix == ".pdf" and b"%PDF" in data[:1024]):
        return _pdf(data)
    if data.startswith(b"PK\x03\x04"):
        return _docx(data)
    if data.startswith(_OLE):
        # Office writes an encrypted document into the old container
        raise NoticeFaultError("protected" if "EncryptedPackage".encode("utf-16-le") in data else "old_word")
    if suffix in (".docx", ".pdf"):
        raise NoticeFaultError("not_format", format=suffix[1:].upper())
    text, encoding = decode(data, declared_encoding(data))
    if suffix in (".html", ".htm", ".xhtml", ".shtml") or _MARKUP.search(text, 0, 65536):
        from clearway.notices.pages.html import html_page

        return html_page(text, encoding)
    return _told(Page("text", _lines(text), encoding))


def _lines(text: str) -> str:
    return re.sub(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", "\n", text)


def _told(page: Page) -> Page:
    if not page.text.strip():
        raise NoticeFaultError("page_empty")
    return page


def _docx(data: bytes) -> Page:
    from docx import Document
    from docx.oxml.ns import qn

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.infolist()
            if any(entry.flag_bits & 1 for entry in names):
                raise NoticeFaultError("protected")
            size = sum(entry.file_size for entry in names)
            if size > _UNPACKED_MB << 20 or len(names) > 10_000:
                raise NoticeFaultError("page_bomb", size=size >> 20, limit=_UNPACKED_MB)
            if "word/document.xml" not in archive.namelist():
                raise NoticeFaultError("binary")
            # sizes in a directory can lie: read what is used against the limit
            for entry in names:
                with archive.open(entry) as part:
                    if len(part.read(entry.file_size + 1)) > entry.file_size:
                        raise NoticeFaultError("page_bomb", size=size >> 20, limit=_UNPACKED_MB)
        body = Document(io.BytesIO(data)).element.body
    except NoticeFaultError:
        raise
    except Exception as error:  # python-docx and zipfile raise many kinds for a broken file
        raise NoticeFaultError("unreadable", reason=_first_line(error)) from None
    lines: list[str] = []
    heading: int | None = None
    for paragraph in body.iter(qn("w:p")):
        pieces = []
        for node in paragraph.iter(qn("w:t"), qn("w:tab"), qn("w:br"), qn("w:cr")):
            pieces.append((node.text or "") if node.tag == qn("w:t") else "\n" if node.tag != qn("w:tab") else " ")
        line = "".join(pieces)
        style = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        if heading is None and style is not None and line.strip() and style.get(qn("w:val")) in ("Title", "Heading1"):
            heading = sum(text.count("\n") + 1 for text in lines)
        lines.append(line)
    return _told(Page("docx", _lines("\n".join(lines)), heading=heading))


def _pdf(data: bytes) -> Page:
    import logging

    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it reports each oddity; what matters is what comes out
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise NoticeFaultError("protected")
        pages = [page.extract_text() for page in reader.pages]
    except NoticeFaultError:
        raise
    except Exception as error:  # pypdf raises many kinds for a broken file
        raise NoticeFaultError("unreadable", reason=_first_line(error)) from None
    text = _lines("\n".join(pages))
    if not text.strip():
        raise NoticeFaultError("no_text_layer", pages=len(pages))
    return Page("pdf", _flowed(text))


_ENDS = "。！？：:!?"
_STARTS = re.compile(
    r"\s{2,}|[一二三四五六七八九十]{1,3}[、是要]|[（(][一二三四五六七八九十\d]{1,3}[)）]|\d{1,2}[.、．]|附件|第[一二三四五六七八九十\d]{1,3}[章条]"
)


def _flowed(text: str) -> str:
    """Lines of a printed page as paragraphs: a full line that ends within a sentence goes on in the next one."""
    lines = [line.rstrip() for line in text.split("\n")]
    width = max((len(line.strip()) for line in lines), default=0)
    out: list[str] = []
    full = False  # whether the last printed line reached the margin
    for line in lines:
        bare = line.strip()
        if re.fullmatch(r"[—\-–\s]*\d{1,4}[—\-–\s]*", bare):
            continue  # a page number
        if full and bare and out[-1][-1] not in _ENDS and not _STARTS.match(line):
            out[-1] += bare
        else:
            out.append(line)
        full = len(bare) >= 0.75 * width and width > 15
    return "\n".join(out)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]

"""Pages open in whatever encoding and format; what is no page is refused with the reason."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from clearway.core.errors import InputError
from clearway.notices import NoticeFaultError, read_notice, standard_reader
from clearway.notices.pages.opening import LIMIT_MB, open_page
from tests.notices.samples import FOLDER, read_sample

SAMPLE = read_sample(FOLDER / "disinfection.txt")
TEXT = SAMPLE.clean


def traditional(text: str) -> str:
    import opencc

    return str(opencc.OpenCC("s2t").convert(text))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_of_text(encoding: str) -> None:
    """Text is read in the encoding that it has, with or without a mark."""
    assert standard_reader().read(TEXT.encode(encoding), "a.txt").clean == TEXT


@pytest.mark.parametrize("encoding", ["big5hkscs", "utf-8", "gb18030"])
def test_encodings_of_traditional_text(encoding: str) -> None:
    """Traditional text too."""
    data = traditional(TEXT).encode(encoding, "replace")
    assert standard_reader().read(data, "a.txt").clean == TEXT


@pytest.mark.parametrize("declared", ["utf-8", "gb2312", "gbk", "big5", "iso-8859-1", "nonsense", ""])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_wrong_declaration_does_not_matter(encoding: str, declared: str) -> None:
    """HTML is read in the encoding that it has, whatever it declares."""
    paragraphs = "".join(f"<p>{line}</p>" for line in TEXT.splitlines()[1:])
    meta = f'<meta charset="{declared}">' if declared else ""
    page = f"<html><head>{meta}<title>{TEXT.splitlines()[0]}</title></head><body><h1>{TEXT.splitlines()[0]}</h1>{paragraphs}</body></html>"
    assert standard_reader().read(page.encode(encoding), "a.html").clean == TEXT


def test_utf8_read_as_latin_and_saved_again() -> None:
    """Text encoded twice is decoded twice."""
    assert standard_reader().read(TEXT.encode().decode("latin-1").encode(), "a.txt").clean == TEXT


def test_a_few_wrong_bytes_do_not_change_the_encoding() -> None:
    """UTF-8 with damage in the middle stays UTF-8; the damage is flagged."""
    data = TEXT.encode().replace("台账".encode(), b"\xff\xfe", 1)
    notice = standard_reader().read(data, "a.txt")
    assert notice.encoding == "utf-8"
    assert any(r.kind == "unclear" for r in notice.repairs)


def test_html_hides_and_breaks_as_a_browser_does() -> None:
    """Scripts and hidden blocks are not read; a <br> ends a line, an inline element does not."""
    page = open_page(
        b"<html><body><script>x</script><p style='display:none'>hidden</p><p>one <b>t</b>wo<br>three</p></body></html>",
        "a.html",
    )
    assert [line for line in page.text.split("\n") if line] == ["one two", "three"]


def test_a_site_name_in_the_heading_is_no_title() -> None:
    """The title is the line that the article resembles, whatever is marked up as heading."""
    lines = TEXT.splitlines()
    body = "".join(f"<p>{line}</p>" for line in lines[1:])
    page = f"<html><body><h1>今日要闻观察</h1><div>{lines[0]}</div>{body}</body></html>"
    assert standard_reader().read(page.encode(), "a.html").title == lines[0]


def test_docx() -> None:
    """A DOCX is read with its title, paragraphs and tables in order."""
    from docx import Document

    document = Document()
    lines = TEXT.splitlines()
    document.add_heading(lines[0], 0)
    for line in lines[1:]:
        document.add_paragraph(line)
    buffer = io.BytesIO()
    document.save(buffer)
    notice = standard_reader().read(buffer.getvalue(), "a.docx")
    assert (notice.format, notice.clean) == ("docx", TEXT)


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("word/document.xml", "w", force_zip64=True) as part:
            for _ in range(160):
                part.write(b"\0" * (1 << 20))
    return buffer.getvalue()


def blank_pdf(password: str | None = None) -> bytes:
    from pypdf import PdfWriter

    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    if password:
        writer.encrypt(password)
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


BAD = {
    "empty.txt": (b"", "page_empty"),
    "blank.html": (b"<html><body>  </body></html>", "page_empty"),
    "spaces.txt": (b"\n \t\n", "page_empty"),
    "picture.txt": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "binary"),
    "scan.pdf": (blank_pdf(), "no_text_layer"),
    "locked.pdf": (blank_pdf("x"), "protected"),
    "broken.pdf": (b"%PDF-1.7\nnothing", "unreadable"),
    "locked.docx": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"),
        "protected",
    ),
    "old.doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old_word"),
    "text.docx": (b"just text", "not_format"),
    "other.docx": (b"PK\x03\x04" + b"\0" * 60, "unreadable"),
    "bomb.docx": (bomb(), "page_bomb"),
    "cut.txt": (TEXT.encode()[:-2], "cut_short"),
    "line.txt": (b"a" * (50 << 20), "page_too_large"),
    "deep.html": (b"<html><body>" + b"<div>" * 10_000 + b"x" + b"</div>" * 10_000, "page_too_deep"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_page_is_refused(name: str, tmp_path: Path) -> None:
    """Each is refused with its reason, in both languages, and the file's name."""
    data, code = BAD[name]
    with pytest.raises(NoticeFaultError) as refused:
        open_page(data, name)
    assert refused.value.code == code
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError) as listed:
        read_notice(path)
    (fault,) = listed.value.faults
    assert fault.file == str(path)
    assert fault.problem("en") != fault.problem("zh")


def test_the_largest_page_that_is_read() -> None:
    """The limit is on bytes, not on lines."""
    assert LIMIT_MB == 32


def test_a_directory_in_a_zip_can_lie() -> None:
    """A part that is longer than its directory says is refused."""
    data = bytearray(bomb())
    size = (160 << 20).to_bytes(4, "little")
    at = data.rfind(size)
    data[at : at + 4] = (10).to_bytes(4, "little")
    with pytest.raises(NoticeFaultError):
        open_page(bytes(data), "bomb.docx")

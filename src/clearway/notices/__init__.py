"""A noisy page to repaired text and orders that can be tracked.

In:     .html, .txt, .docx, .pdf in whatever encoding
Out:    Notice: clean text, every change with its reason, orders with who, whom, until when, where
Not:    deciding which rules an order touches; assigning it (desk); fetching pages
Words:  page, clean text, repair, order, passage
"""

from clearway.notices.editions import Change, diff_notices
from clearway.notices.errors import NoticeFaultError
from clearway.notices.files import order_rows, write_csv, write_notice, write_xlsx
from clearway.notices.inputs import input_files
from clearway.notices.lexicon import Lexicon
from clearway.notices.reading import Classifier, Reader, read_notice, reader_with, standard_reader
from clearway.notices.types import Notice, Order, Part, Repair

__all__ = [
    "Change",
    "Classifier",
    "Lexicon",
    "Notice",
    "NoticeFaultError",
    "Order",
    "Part",
    "Reader",
    "Repair",
    "diff_notices",
    "input_files",
    "order_rows",
    "read_notice",
    "reader_with",
    "standard_reader",
    "write_csv",
    "write_notice",
    "write_xlsx",
]

"""From bytes to the lines of a page, and which of them are the article.

In:     bytes and a file name
Out:    Page, open_page; Finder, which chooses the lines of the article
Not:    repairing text (notices.repair)
"""

from clearway.notices.pages.article import Finder, told_date
from clearway.notices.pages.opening import LIMIT_MB, SUFFIXES, Page, open_page

__all__ = ["LIMIT_MB", "SUFFIXES", "Finder", "Page", "open_page", "told_date"]

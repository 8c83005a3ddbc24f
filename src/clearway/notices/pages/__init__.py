"""From bytes to the lines of a page, and which of them are the article.

In:     bytes and a file name
Out:    Page, open_page; Finder, which chooses the lines of the article
Not:    repairing text (notices.repair)
"""

from clearway.notices.pages.article import Finder
from clearway.notices.pages.opening import SUFFIXES, Page, open_page

__all__ = ["SUFFIXES", "Finder", "Page", "open_page"]

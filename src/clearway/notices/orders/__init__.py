"""From clean text to orders: sentences, who says them, what is a duty, what it names.

In:     paragraphs of clean text
Out:    OrderFinder, Actors
Not:    repairing text (notices.repair)
"""

from clearway.notices.orders.actors import Actors
from clearway.notices.orders.finder import OrderFinder
from clearway.notices.orders.topics import topic_titles

__all__ = ["Actors", "OrderFinder", "topic_titles"]

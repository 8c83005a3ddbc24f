"""From noisy text to the text that was meant; every change is noted where it is made.

In:     the text of a page
Out:    Draft, and the steps that change it
Not:    which lines stay (notices.pages)
"""

from clearway.notices.repair.accident import Accidents
from clearway.notices.repair.characters import Characters
from clearway.notices.repair.draft import Draft
from clearway.notices.repair.punctuation import close_gaps, mend_punctuation
from clearway.notices.repair.readings import drop_readings
from clearway.notices.repair.spam import Spam, drop_pieces

__all__ = ["Accidents", "Characters", "Draft", "Spam", "close_gaps", "drop_pieces", "drop_readings", "mend_punctuation"]

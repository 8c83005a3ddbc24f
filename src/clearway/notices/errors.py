"""What can be wrong with a page as a whole.

In:     a code of core/messages.toml
Out:    NoticeFaultError, turned into a fault with the file's name by whoever knows it
Not:    what is odd within a page (remarks and repairs of the notice)
"""

from __future__ import annotations

from typing import Any

from clearway.core.errors import ClearwayError


class NoticeFaultError(ClearwayError):
    """A page cannot be read: ``code`` is a key of core/messages.toml, ``details`` fill its text."""

    def __init__(self, code: str, **details: Any) -> None:
        super().__init__(code)
        self.code = code
        self.details = details

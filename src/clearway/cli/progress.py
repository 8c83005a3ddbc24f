"""Progress of long commands on a terminal.

In:     how much is done, and of how much where that is known
Out:    a line on standard error that goes when the work is done
Not:    what is printed to stay (app.py)
"""

from __future__ import annotations

import sys
from typing import Any


class Progress:
    """Use as ``with Progress(silent) as bar: … bar.advance(n)``, or ``bar.at(done, of)``."""

    def __init__(self, silent: bool) -> None:
        self._bar: Any = None
        if not silent and sys.stderr.isatty():
            from rich import progress
            from rich.console import Console

            columns = (
                progress.SpinnerColumn(), progress.TextColumn("{task.completed:,.0f}"), progress.BarColumn(40),
                progress.TimeElapsedColumn(),
            )  # fmt: skip
            self._bar = progress.Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def advance(self, count: int) -> None:
        """So many more are done; how many there will be nobody knows."""
        if self._bar is not None:
            self._bar.advance(self._task, count)

    def at(self, done: int, of: int) -> None:
        """So many are done of so many."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=of)

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

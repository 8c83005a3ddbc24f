"""The command `clearway`: errors become messages and exit codes.

In:     arguments
Out:    exit codes: 0 done, 1 the answer is no, 2 bad input (every fault listed)
Not:    the commands (*_commands.py); heavy rooms are imported when one needs them
"""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from clearway.cli import (
    case_commands,
    lake_commands,
    notice_commands,
    plan_commands,
    replan_commands,
    rule_commands,
    simulate_commands,
    world_commands,
)
from clearway.cli.app import app, language, write_faults
from clearway.core.errors import ClearwayError, InputError

__all__ = [
    "app",
    "case_commands",
    "lake_commands",
    "main",
    "notice_commands",
    "plan_commands",
    "replan_commands",
    "rule_commands",
    "simulate_commands",
    "world_commands",
]


def main() -> None:
    """Entry point: errors become messages and exit codes."""
    try:
        app(standalone_mode=True)
    except InputError as error:
        lang = language(None)
        typer.echo(error.summary(lang), err=True)
        if error.total > 50:
            path = Path("clearway-faults.csv")
            write_faults(error, path)
            typer.echo(f"all {error.total:,} faults: {path}", err=True)
        sys.exit(2)
    except ClearwayError as error:
        typer.echo(str(error), err=True)
        sys.exit(2)
    except OSError as error:
        typer.echo(f"{error.strerror}: {error.filename or ''}. What was there before is unchanged.", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        sys.exit(130)

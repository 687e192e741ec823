"""What the verbs share: settings, passwords, window labels, output."""

import json
import os
import re
import sys
from typing import Annotated, Any

import typer
from rich.console import Console

from orchestrator.config import Settings, load_settings
from orchestrator.migrate import prepare_database, set_clock
from orchestrator.partitions import partition_key


def ready() -> Settings:
    """The settings of this call, with its database up to date and the clock set."""
    settings = load_settings()
    prepare_database(settings)
    set_clock(settings)
    return settings


def checked_window(value: str | None) -> str | None:
    """An ISO week that exists, or none where it may be left out; anything else is bad usage."""
    if value is None:
        return None
    try:
        if not re.fullmatch(r"\d{4}-W\d{2}", value):
            raise ValueError(value)
        partition_key(value)
    except ValueError:
        raise typer.BadParameter(f"{value!r} is no ISO week; write it like 2026-W47") from None
    return value


def checked_note(value: str) -> str:
    """A reason that somebody can read; nothing is bad usage."""
    if not value.strip():
        raise typer.BadParameter("the note is empty; say why")
    return value


Window = Annotated[str, typer.Argument(callback=checked_window, help="An ISO week: 2026-W47.")]
As = Annotated[str, typer.Option("--as", help="Your personal database login.")]
Json = Annotated[bool, typer.Option("--json", help="For scripts.")]


def password_of(name: str) -> str:
    """SETTLE_PASSWORD, else asked for where somebody can answer."""
    known = os.environ.get("SETTLE_PASSWORD")
    if known is not None:
        return known
    if not sys.stdin.isatty():
        raise typer.BadParameter("set SETTLE_PASSWORD, or run this where it can ask")
    answer: str = typer.prompt(f"Password of {name}", hide_input=True)
    return answer


def plain_console() -> Console:
    """No markup: ids and notes are anybody's text. No folding where no terminal is too narrow."""
    return Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else 160)


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, default=str))

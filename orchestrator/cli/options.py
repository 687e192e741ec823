"""What the verbs share: settings, people, arguments, reading and output."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from orchestrator.config import Component, Settings, load_settings
from orchestrator.database.connection import connect, rows_of
from orchestrator.database.migrate import prepare_database, set_clock
from orchestrator.decisions.decisions import FIELDS, Field
from orchestrator.errors import SettleError
from orchestrator.formatting.cells import cell, visible


def ready(*, is_emergency: bool = False) -> Settings:
    """The settings of this call, with its database up to date and the clock set.

    An emergency takes the database as somebody left it.
    """
    settings = load_settings()
    prepare_database(settings, is_emergency=is_emergency)
    set_clock(settings)
    return settings


def checked_by(field: Field) -> Callable[[str | None], str | None]:
    """The field's own check, whose complaint is bad usage; a value left out is None."""

    def check(value: str | None) -> str | None:
        try:
            return None if value is None else field.checked(value)
        except SettleError as error:
            raise typer.BadParameter(str(error)) from None

    return check


SETUP_PANEL, WEEK_PANEL, DECISIONS_PANEL = "Set up", "Week", "Decisions"
SELLERS_PANEL, ANALYSTS_PANEL, OPERATIONS_PANEL = "Sellers", "Analysts", "Operations"
WINDOW, NOTE = FIELDS["window"], FIELDS["note"]
checked_window = checked_by(WINDOW)
Window = Annotated[str, typer.Argument(callback=checked_window, help=WINDOW.help)]
As = Annotated[str, typer.Option("--as", help="Your personal database login.")]
Note = Annotated[str, typer.Option(callback=checked_by(NOTE), help=NOTE.help)]
Json = Annotated[bool, typer.Option("--json", help="For scripts.")]


class ImpliedVerb(TyperGroup):
    """A group with a verb that can be left out: a first word that is not a verb is its argument."""

    implied: ClassVar[str]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As Click does it, with the verb that was left out."""
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = [self.implied, *args]
        return super().parse_args(ctx, args)


def password_of(name: str) -> str:
    """SETTLE_PASSWORD, else asked for where somebody can answer."""
    known = os.environ.get("SETTLE_PASSWORD")
    if known is not None:
        return known
    if not sys.stdin.isatty():
        raise typer.BadParameter("set SETTLE_PASSWORD, or run this where it can ask")
    answer: str = typer.prompt(f"Password of {name}", hide_input=True)
    return answer


def text_of(file: Path) -> str:
    """The text of a file; bytes that are not UTF-8 are refused where its rows are read.

    Raises SettleError where the file cannot be read.
    """
    try:
        return file.read_bytes().decode(errors="surrogateescape")
    except OSError as error:
        raise SettleError(f"{file} cannot be read: {error.strerror}") from None


def read(query: str, **parameters: Any) -> list[dict[str, Any]]:
    """The rows of a query in orchestrator/queries."""
    with connect(ready(), Component.ORCHESTRATOR, is_read_only=True) as database:
        return rows_of(database, query, **parameters)


def say(text: str, *, is_error: bool = False) -> None:
    """Print lines of ours; what somebody else wrote in them cannot change the terminal."""
    print(visible(text, keep="\n"), file=sys.stderr if is_error else sys.stdout, flush=True)


class _PlainConsole(Console):
    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text, keep="\n"), **options)


def plain_console() -> Console:
    """No markup: ids and notes are anybody's text. No folding where no terminal is too narrow."""
    return _PlainConsole(markup=False, highlight=False, width=None if sys.stdout.isatty() else 160)


def table_of(
    found: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    *,
    right: Sequence[str] = (),
    title: str | None = None,
) -> Table:
    """The rows under the titles of these columns; columns in `right` are aligned as numbers."""
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for name, heading in columns.items():
        table.add_column(heading, justify="right" if name in right else "left")
    for row in found:
        table.add_row(*(_cell(row[name]) for name in columns))
    return table


def _cell(value: Any) -> str:
    # An integer may be an id, which people copy from here.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else cell(value)


def print_json(value: Any) -> None:
    """As a document; instants in ISO 8601, money as the text that SQL made of it."""
    print(json.dumps(value, indent=2, default=_plain))


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)

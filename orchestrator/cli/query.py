"""`settle sql`: one query, for who has no client at hand."""

import shutil
import sys
from tempfile import SpooledTemporaryFile
from typing import Annotated

import psycopg
import typer
from psycopg.sql import SQL

from orchestrator.cli.options import ANALYSTS_PANEL, ready
from orchestrator.config import Component
from orchestrator.database.connection import connect
from orchestrator.errors import SettleError
from orchestrator.formatting.cells import visible

MAX_IN_MEMORY = 2**24


def register(app: typer.Typer) -> None:
    """Add the verb of this module."""
    app.command(rich_help_panel=ANALYSTS_PANEL)(sql)


def sql(query: Annotated[str, typer.Argument(help="A select.")]) -> None:
    """Print the rows of a query as CSV, with a header; it can read and nothing else."""
    settings = ready(is_emergency=True)  # to see what somebody changed
    # On lines of its own: it may end in a comment.
    text = SQL("(\n{}\n)").format(SQL(query.rstrip().rstrip(";")))
    # Printed when all of it is there: half a file looks like a whole one.
    with SpooledTemporaryFile(MAX_IN_MEMORY) as found:
        with connect(settings, Component.ORCHESTRATOR, is_read_only=True) as database:
            try:
                # Asked in binary, the server takes one statement: a second one could end the
                # transaction and write.
                database.execute(SQL("select from {} as q limit 0").format(text), binary=True)
                copy = SQL("copy {} to stdout with (format csv, header)").format(text)
                with database.cursor().copy(copy) as blocks:
                    for block in blocks:
                        found.write(block)
            except psycopg.Error as error:
                if isinstance(error, psycopg.OperationalError):
                    raise
                reason = error.diag.message_primary or error
                raise SettleError(f"the query failed: {reason}") from None
        found.seek(0)
        if sys.stdout.isatty():  # a person reads it, and no program
            for line in found:
                sys.stdout.write(visible(line.decode(errors="replace"), keep="\n"))
        else:
            shutil.copyfileobj(found, sys.stdout.buffer)
        sys.stdout.flush()

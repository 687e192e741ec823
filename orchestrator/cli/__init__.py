"""`settle`: each verb is one call into SQL, dbt or Dagster."""

import logging
import sys
from typing import NoReturn

import psycopg
import typer

from orchestrator.cli import (
    backtest,
    blocks,
    breaks,
    build,
    database,
    decisions,
    events,
    export,
    held,
    load,
    mapping,
    query,
    review,
    sandbox,
    sellers,
    services,
    shadow,
    week,
)
from orchestrator.cli.options import say
from orchestrator.errors import SettleError

app = typer.Typer(
    name="settle",
    help="Close a marketplace's week: settle, review, approve, pay once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
# In the order of `settle --help`, which shows them in panels.
VERBS = (
    *(database, load, mapping, week, review, held, export, shadow, decisions, blocks),
    *(sellers, query, build, backtest, breaks, events, services, sandbox),
)
for module in VERBS:
    module.register(app)


def main() -> None:
    """Exit 0 done, 1 refused or failed with one clear line on stderr, 2 bad usage."""
    if not sys.stderr.isatty():  # who waits at a prompt sees each retry; a script, the outcome
        logging.getLogger("orchestrator").setLevel(logging.ERROR)
    if not all(map(_is_text, sys.argv)):
        say("settle: an argument is not UTF-8", is_error=True)
        sys.exit(2)
    try:
        app(prog_name="settle")
    except SettleError as error:
        _refuse(str(error), error.detail)
    except psycopg.Error as error:
        _refuse(f"the database refuses: {error.diag.message_primary or error}")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)


def _refuse(message: str, detail: str = "") -> NoReturn:
    say(f"settle: {' '.join(message.split())}", is_error=True)
    if detail:
        say(f"\n{detail}", is_error=True)
    sys.exit(1)


def _is_text(argument: str) -> bool:
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True

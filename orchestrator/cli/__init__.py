"""`settle`: each verb is one call into SQL, dbt or Dagster."""

import logging
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import NoReturn

import psycopg
import typer

from orchestrator.cli.options import say
from orchestrator.errors import SettleError

# The verbs that each module registers, in the order of `settle --help`, which shows them in panels.
VERBS: Mapping[str, tuple[str, ...]] = {
    "database": ("db", "user"),
    "load": ("load", "generate", "import"),
    "mapping": ("doctor", "map"),
    "week": ("close", "pay", "reconcile"),
    "review": ("review", "checks", "status"),
    "held": ("held",),
    "export": ("export",),
    "shadow": ("shadow",),
    "decisions": (
        *("approve", "approve-rest", "revoke", "hold", "release", "block", "unblock", "unlink"),
        *("pause", "resume", "accept", "resolve", "withdraw"),
        *("adjust", "policy", "reserve", "go-live", "erase"),
    ),
    "blocks": ("blocks",),
    "sellers": ("statement", "receipt", "link"),
    "query": ("sql",),
    "build": ("build", "check", "diff", "docs"),
    "backtest": ("backtest",),
    "breaks": ("alerts", "breaks"),
    "events": ("events", "post-events"),
    "services": ("demo", "up", "serve", "home"),
    "sandbox": ("sandbox",),
}


def app_of(word: str | None = None) -> typer.Typer:
    """The application, of a verb with the module of that verb alone: importing all takes longer
    than a verb that reads. With all of them for any other word, and for help.
    """
    app = typer.Typer(
        name="settle",
        help="Close a marketplace's week: settle, review, approve, pay once.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_settle)
    for name in [name for name, verbs in VERBS.items() if word in verbs] or VERBS:
        import_module(f"{__name__}.{name}").register(app)
    return app


def _settle() -> None:
    """Typer takes an application of one verb for that verb, unless there is something around it."""


def main() -> None:
    """Exit 0 done, 1 refused or failed with one clear line on stderr, 2 bad usage."""
    if not sys.stderr.isatty():  # who waits at a prompt sees each retry; a script, the outcome
        logging.getLogger("orchestrator").setLevel(logging.ERROR)
    if not all(map(_is_text, sys.argv)):
        say("settle: an argument is not UTF-8", is_error=True)
        sys.exit(2)
    try:
        app_of(*sys.argv[1:2])(prog_name="settle")
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

"""Connections: one login per component, errors as one clear line."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, TupleRow, dict_row
from psycopg.types.json import set_json_loads

from orchestrator.config import URL_VARIABLES, Component, Settings
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.errors import SettleError

QUERIES = Path(__file__).parent.parent / "queries"
# Only the owner creates in public. An object of a schema that others may write, or a temporary one,
# never stands in for what a query names without its schema.
SEARCH_PATH = "pg_catalog,public,pg_temp"
# A relation that dbt builds.
BUILT = re.compile(r"\b(settlement|asof_backtest)(_[a-z]+)?\.[a-z]")
# What a server says to a login whose password it took.
OTHER_REFUSALS = re.compile(
    r"too many connections|connection slots|permission denied|not permitted|shutting down"
    r"|starting up|terminat|unexpectedly|timeout|recovery|SSL|certificate"
)
# An administrator may have another way to write dates, for a login or for all: drivers read one.
PINNED = f"-c search_path={SEARCH_PATH} -c datestyle=ISO,MDY"
# Code in a model can change what the session has: prepare another statement under the name of ours,
# or set another path, time zone or reading of literals for the queries after it.
NEVER_PREPARED = None
AS_IT_BEGAN = "reset all"  # what the address and the login set, the path among it


def pinned(url: str) -> str:
    """The same connection with our search path and dates, last: no other option undoes them."""
    options = conninfo_to_dict(url).get("options")
    return make_conninfo(url, options=" ".join(filter(None, (str(options or ""), PINNED))))


def database_url(settings: Settings, component: Component) -> str:
    """The component's address: the external server's where one is configured, else the embedded."""
    return pinned(_address(settings, component))


def _address(settings: Settings, component: Component) -> str:
    if settings.is_embedded:
        return EmbeddedPostgres(settings.home).url(component.value)
    url = settings.urls.get(component)
    if url is None:
        raise SettleError(
            f"{URL_VARIABLES[component]} is not set: an external server is configured"
        )
    return url


@contextmanager
def connect(
    settings: Settings,
    component: Component,
    *,
    autocommit: bool = False,
    is_read_only: bool = False,
) -> Iterator[psycopg.Connection[TupleRow]]:
    """A connection of the component; commits at the end unless an exception leaves the block.

    `is_read_only` wherever it reads what dbt builds: code in a model runs with the reader's rights.
    """
    with (
        _clear_errors(settings),
        psycopg.connect(
            database_url(settings, component),
            autocommit=autocommit,
            application_name="settle",
            prepare_threshold=NEVER_PREPARED,
        ) as connection,
    ):
        connection.read_only = is_read_only or None
        yield connection


@contextmanager
def connect_as(
    settings: Settings, login: str, password: str
) -> Iterator[psycopg.Connection[TupleRow]]:
    """A person's connection: the database itself decides who they are and what they may do."""
    with clear_errors_of(settings, login), open_as(settings, login, password) as connection:
        yield connection


def open_as(settings: Settings, login: str, password: str) -> psycopg.Connection[TupleRow]:
    """The same for who closes it; errors are clear within `clear_errors_of`."""
    # Any component's address will do: the receiver knows its own alone.
    component = next((c for c in Component if c in settings.urls), Component.OWNER)
    url = database_url(settings, component)
    try:
        return psycopg.connect(
            url,
            user=login,
            password=password,
            application_name="settle",
            prepare_threshold=NEVER_PREPARED,
        )
    except psycopg.OperationalError as error:
        if _is_wrong_login(error):
            raise SettleError(f"login {login}: unknown, or the password is wrong") from None
        raise


def _is_wrong_login(error: psycopg.OperationalError) -> bool:
    """Whether the server refused this name and password, in whatever language it says so.

    It asked for the password then, and said nothing of what it says to who has the right one.
    """
    if re.search(r"password authentication|does not exist|no password", str(error)):
        return True
    was_asked = error.pgconn is not None and error.pgconn.used_password
    return was_asked and not OTHER_REFUSALS.search(str(error))


@contextmanager
def clear_errors_of(settings: Settings, login: str) -> Iterator[None]:
    """What the database refuses a person is one line for them."""
    with _clear_errors(settings):
        try:
            yield
        except psycopg.errors.InsufficientPrivilege as error:
            raise SettleError(
                f"{login} may not do this ({error.diag.message_primary}):"
                " it takes a login of the finance group"
            ) from error


@contextmanager
def _clear_errors(settings: Settings) -> Iterator[None]:
    """What Postgres refuses is the message a person reads; its context lines are not."""
    try:
        yield
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
        raise SettleError(
            "somebody else holds what this needs: nothing was changed; try again in a minute"
        ) from error
    except psycopg.errors.QueryCanceled as error:
        raise SettleError("the database ended this: it took longer than it may") from error
    except psycopg.OperationalError as error:
        raise SettleError(_unreachable(settings, error)) from error
    except psycopg.errors.RaiseException as error:
        raise SettleError(
            error.diag.message_primary or str(error), detail=error.diag.message_detail or ""
        ) from error
    except psycopg.errors.UndefinedTable as error:
        missing = re.search(r'"([^"]+)"', error.diag.message_primary or "")
        name = missing.group(1) if missing else "a relation"
        raise SettleError(
            f"{name} is not there: nothing is built yet; run: settle build"
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise SettleError(f"the database refuses: {error.diag.message_primary}") from error


def _unreachable(settings: Settings, error: psycopg.OperationalError) -> str:
    reason = (str(error).strip().splitlines() or ["no reason given"])[0].strip()
    advice = (
        "start it with: settle db start"
        if settings.is_embedded
        else "it is the external one that SETTLE_DATABASE_URL and the like name"
    )
    return f"the database does not answer ({reason}); {advice}"


def rows(
    connection: psycopg.Connection[Any], query: str, *parameters: Any, **named: Any
) -> list[dict[str, Any]]:
    """All rows of a query as dictionaries; its parameters by place or by name."""
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute(query.encode(), parameters or named or None).fetchall()


def rows_of(
    connection: psycopg.Connection[Any], name: str, **parameters: Any
) -> list[dict[str, Any]]:
    """All rows of the query in orchestrator/queries/NAME.sql, with its named parameters.

    Numbers inside of JSON are exact too.
    """
    with _exact_cursor(connection) as cursor:
        cursor.execute(AS_IT_BEGAN)
        return cursor.execute(_query(connection, name), parameters).fetchall()


def rows_of_all(
    connection: psycopg.Connection[Any], names: Mapping[str, str], **parameters: Any
) -> dict[str, list[dict[str, Any]]]:
    """The rows of several such queries by key, asked together: the server is waited for once."""
    with connection.pipeline():
        cursors = {key: _exact_cursor(connection) for key in names}
        for key, name in names.items():
            connection.execute(AS_IT_BEGAN)
            cursors[key].execute(_query(connection, name), parameters)
        return {key: cursor.fetchall() for key, cursor in cursors.items()}


def _query(connection: psycopg.Connection[Any], name: str) -> bytes:
    text = sql_file(name)
    if BUILT.search(text) and not connection.read_only:
        raise RuntimeError(f"{name} reads what dbt builds: connect with is_read_only")
    return text.encode()


def _exact_cursor(connection: psycopg.Connection[Any]) -> psycopg.Cursor[DictRow]:
    cursor = connection.cursor(row_factory=dict_row)
    set_json_loads(partial(json.loads, parse_float=Decimal), cursor)
    return cursor


@cache
def sql_file(name: str, folder: Path = QUERIES) -> str:
    """The text of FOLDER/NAME.sql; the queries that front ends read are in orchestrator/queries."""
    return (folder / f"{name}.sql").read_text(encoding="utf-8")

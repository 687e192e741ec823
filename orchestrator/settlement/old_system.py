"""What the system before paid, beside what is computed here."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from psycopg import sql

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows, rows_of, sql_file
from orchestrator.decisions.csv_rows import MOST_LISTED, rows_of_file
from orchestrator.errors import SettleError

COLUMNS = {"seller_id": True, "amount": True}
CLOSED = sql.SQL("select w.payout_window from {settlement}.windows as w where w.is_closed")


def compare_payouts(
    settings: Settings, files: Mapping[str, str], schema: str, *, has_carried: bool = False
) -> list[dict[str, Any]]:
    """One document a week: how far each seller is from what the old system paid, and why.

    `files` has the text of a CSV file (seller_id, amount) by window. `schema` is that of a build;
    `has_carried` takes what a week carried in as part of it. Raises SettleError where a row is bad
    or a window is not over.
    """
    given = json.dumps([row for window, text in files.items() for row in _rows(window, text)])
    names = {"settlement": sql.Identifier(schema)}
    query = sql.SQL(sql_file("compare_old_system", Path(__file__).parent)).format(**names)
    with connect(settings, Component.ORCHESTRATOR, is_read_only=True) as database:
        _refuse(rows_of(database, "go_live/faults", rows=given))
        over = {row["payout_window"] for row in rows(database, CLOSED.format(**names).as_string())}
        for window in files:
            if window not in over:
                raise SettleError(
                    f"window {window} is not over by the last build, or before the first fact:"
                    " run settle build, or leave its file out"
                )
        found = rows(database, query.as_string(), rows=given, has_carried=has_carried)
    return [row["week"] for row in found]


def _rows(window: str, text: str) -> list[dict[str, Any]]:
    return [{"payout_window": window} | row for row in json.loads(rows_of_file(text, COLUMNS))]


def _refuse(faults: list[dict[str, Any]]) -> None:
    if faults:
        listed = f" (the first {MOST_LISTED} are listed)" if len(faults) > MOST_LISTED else ""
        raise SettleError(
            f"{len(faults)} rows of the old system's payouts cannot be read{listed}: nothing was"
            " compared; fix the files and try again",
            detail="\n".join(
                f"{fault['payout_window']}, line {fault['line']}: {fault['fault']}"
                for fault in faults[:MOST_LISTED]
            ),
        )

"""The console's files: what `settle export` writes."""

import csv
import io
from typing import Any

from starlette.responses import Response

from orchestrator.errors import SettleError
from orchestrator.formatting.csv_export import safe_cell
from orchestrator.formatting.journal import Format, Journal
from orchestrator.web.desk.connections import Rows
from orchestrator.web.errors import PageRefusedError

MEDIA_TYPES = {Format.CSV: "text/csv", Format.BEANCOUNT: "text/plain"}


def lines_file(window: str, found: Rows) -> Response:
    """The rows of window/export.sql."""
    if not found:
        raise PageRefusedError(404, "No lines", "The window has no digest: see its page.")
    columns = [name for name in found[0] if name != "digest"]
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(columns)
    for row in found:
        if row["seller_id"] is not None:
            writer.writerow(safe_cell(row[name]) for name in columns)
    name = f"settlement-{window}-{found[0]['digest'][:12]}.csv"
    return _attachment(name, stream, "text/csv")


def journal_file(month: str, format_: Format, found: list[dict[str, Any]]) -> Response:
    """The rows of books/journal.sql; its name says where a month can still change."""
    stream = io.StringIO()
    try:
        journal = Journal(month, found, is_so_far=True)
        journal.write(format_, stream)
    except SettleError as error:
        raise PageRefusedError(409, "No such file", str(error)) from None
    return _attachment(f"{journal.name}.{format_}", stream, MEDIA_TYPES[format_])


def _attachment(name: str, stream: io.StringIO, media_type: str) -> Response:
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(stream.getvalue(), media_type=media_type, headers=disposition)

"""Data in: load, import, generate."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import (
    SETUP_PANEL,
    Json,
    plain_console,
    print_json,
    ready,
    say,
    table_of,
)
from orchestrator.config import Component, Environment, load_settings
from orchestrator.database.connection import connect, rows
from orchestrator.errors import SettleError
from orchestrator.loading.imports.formats import format_names
from orchestrator.project_variables import source_table

if TYPE_CHECKING:
    from orchestrator.loading.pipeline import TableCounts

ROW_TYPES = {
    "row_type": "rows of type",
    "becomes": "become",
    "part_count": "parts",
    "amount": "amount",
    "currency": "",
    "reason": "why not",
}


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (load, generate):
        app.command(rich_help_panel=SETUP_PANEL)(verb)
    app.command("import", rich_help_panel=SETUP_PANEL)(import_)


def load(
    directory: Annotated[
        Path, typer.Argument(help="The folder with the files: sellers.csv, orders.csv, ...")
    ],
) -> None:
    """Load CSV files named after the source tables, all or nothing."""
    from orchestrator.loading.csv_files import shown
    from orchestrator.loading.load import load_directory

    settings = ready()
    with _named_lines(), connect(settings, Component.OWNER) as database:
        report = load_directory(database, directory)
    _say_counts(report.tables)
    for name in report.left_alone:
        say(f"{shown(name)} was left alone: it is not a source table's", is_error=True)


class SourceTable(StrEnum):
    """The source tables that facts go to."""

    ORDERS = "orders"
    ORDER_FEES = "order_fees"
    REFUNDS = "refunds"
    DISPUTE_EVENTS = "dispute_events"
    SELLER_CHARGES = "seller_charges"


class DateOrder(StrEnum):
    """Which part of a date like 03/11/2026 is first."""

    DAY = "dmy"
    MONTH = "mdy"


class Bearer(StrEnum):
    """Who bears a processor's fees."""

    SELLER = "seller"
    MARKETPLACE = "marketplace"


def import_(
    format_name: Annotated[
        str, typer.Argument(metavar="FORMAT", help=f"One of {', '.join(format_names())}.")
    ],
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="The reports.")],
    fees: Annotated[Bearer, typer.Option(help="Who bears the processor's fees.")],
    totals: Annotated[
        Path | None, typer.Option(help="The report with the totals, where the others have none.")
    ] = None,
    sellers: Annotated[
        Path | None, typer.Option(help="CSV of seller_key, seller_id: whose each row is.")
    ] = None,
    seller_from: Annotated[
        str | None, typer.Option(help="The column with the seller's key, if another than usual.")
    ] = None,
    order_from: Annotated[
        str | None, typer.Option(help="The column with the order's id, if another than usual.")
    ] = None,
    without: Annotated[
        list[SourceTable] | None,
        typer.Option(help="A source table that you fill yourself; may be repeated."),
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Of instants without one, like Europe/Berlin.")
    ] = None,
    date_order: Annotated[
        DateOrder | None, typer.Option(help="Of dates like 03/11/2026: day or month first.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of a file without a byte order mark; else UTF-8.")
    ] = None,
    decimal_mark: Annotated[str, typer.Option(help="A point or a comma.")] = ".",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all, store nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Import a processor's reports, all or nothing: facts, and what is not for sellers."""
    from orchestrator.loading.imports.options import Options
    from orchestrator.loading.imports.run import import_reports
    from orchestrator.loading.mapping import takes_in

    if decimal_mark not in (".", ","):
        raise typer.BadParameter("is neither . nor ,", param_hint="--decimal-mark")
    options = Options(
        fees=fees.value,
        sellers=sellers,
        totals=totals,
        timezone=timezone,
        date_order=date_order.value if date_order else None,
        encoding=encoding,
        decimal_mark=decimal_mark,
        order_from=order_from,
        seller_from=seller_from,
        without=tuple(table.value for table in without or ()),
        is_rehearsal=dry_run,
    )
    settings = ready()
    with _named_lines(), connect(settings, Component.OWNER) as database:
        report = import_reports(database, format_name, files, options)
        sources = {table: source_table(table) for table in report.tables}
        unread = [t for t, source in sources.items() if not takes_in(database, source, t)]
    if as_json:
        print_json(
            {
                "row_types": [
                    asdict(row) | {"file": files[row.file_number].name} for row in report.row_types
                ],
                "tables": {table: asdict(counts) for table, counts in report.tables.items()},
            }
        )
        return
    becomes = [asdict(row) | {"reason": row.reason or ""} for row in report.row_types]
    plain_console().print(table_of(becomes, ROW_TYPES, right=("part_count", "amount")))
    _say_counts(report.tables)
    for table in unread:
        say(
            f"{table}: the models read {'.'.join(sources[table])}, which does not take in"
            f" marketplace.{table}: add it to that view, or say --without {table}",
            is_error=True,
        )
    if dry_run:
        say("nothing was stored: this was a dry run")


@contextmanager
def _named_lines() -> Iterator[None]:
    """The bad rows of what is refused, one a line, before the summary."""
    from orchestrator.loading.pipeline import LoadRefused

    try:
        yield
    except LoadRefused as refused:
        for line in refused.lines:
            say(line, is_error=True)
        raise


def _say_counts(tables: Mapping[str, "TableCounts"]) -> None:
    for table, counts in tables.items():
        say(
            f"{table}: {counts.inserted} new, {counts.unchanged} known already"
            + (f", {counts.replaced} replaced" if counts.replaced else "")
            + (f", {counts.ignored} older ignored" if counts.ignored else "")
        )


def generate(
    sellers: Annotated[int, typer.Option(min=1, help="How many.")] = 4000,
    weeks: Annotated[int, typer.Option(min=1, help="Weeks of trade, the last one ends now.")] = 8,
    orders_per_seller_week: Annotated[
        int, typer.Option(min=1, help="The mean: few sellers have far more, most have less.")
    ] = 5,
    seed: Annotated[int, typer.Option(help="Another one makes another marketplace.")] = 1,
    late_into: Annotated[
        Path | None,
        typer.Option(help="Leave some facts out, as files here: settle load brings them late."),
    ] = None,
    late_per_mille: Annotated[
        int, typer.Option(min=0, max=1000, help="How many of 1000 facts come late.")
    ] = 2,
    bad_actors: Annotated[
        float, typer.Option(min=0, max=1, help="Share of sellers who deliver nothing, 0 to 1.")
    ] = 0,
) -> None:
    """Fill an empty database with a deterministic marketplace that ends now."""
    from orchestrator.demo.generate import Late
    from orchestrator.demo.generate import generate as generate_marketplace

    if load_settings().environment is Environment.PRODUCTION:
        raise SettleError("generated sellers are refused in production: facts there stay for good")
    settings = ready()
    with connect(settings, Component.OWNER) as database:
        [now] = rows(database, "select settle_now() as instant")
        report = generate_marketplace(
            database,
            sellers=sellers,
            weeks=weeks,
            orders_per_seller_week=orders_per_seller_week,
            seed=seed,
            until=now["instant"],
            late=Late(late_into, late_per_mille) if late_into else None,
            bad_actors=Decimal(str(bad_actors)),
        )
    for table, count in report.tables.items():
        say(f"{table}: {count} {'known already' if report.is_noop else 'new'}")
    if late_into:
        say(f"late: {report.late} rows; run settle load {late_into} once their week is closed")

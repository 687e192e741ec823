"""Data in: load, generate."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import SETUP_PANEL, ready, say
from orchestrator.config import Component, Environment, load_settings
from orchestrator.database.connection import connect, rows
from orchestrator.errors import SettleError


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (load, generate):
        app.command(rich_help_panel=SETUP_PANEL)(verb)


def load(
    directory: Annotated[Path, typer.Argument(help="CSV files named after the tables.")],
) -> None:
    """Load CSV files named after the source tables, all or nothing."""
    from orchestrator.loading.csv_files import shown
    from orchestrator.loading.load import LoadRefused, load_directory

    settings = ready()
    try:
        with connect(settings, Component.OWNER) as database:
            report = load_directory(database, directory)
    except LoadRefused as refused:
        for line in refused.lines:
            say(line, is_error=True)
        raise
    for table, counts in report.tables.items():
        say(
            f"{table}: {counts.inserted} new, {counts.unchanged} known already"
            + (f", {counts.replaced} replaced" if counts.replaced else "")
            + (f", {counts.ignored} older ignored" if counts.ignored else "")
        )
    for name in report.left_alone:
        say(f"{shown(name)} was left alone: it is no source table's", is_error=True)


def generate(
    sellers: Annotated[int, typer.Option(min=1)] = 4000,
    weeks: Annotated[int, typer.Option(min=1)] = 8,
    orders_per_seller_week: Annotated[int, typer.Option(min=1)] = 5,
    seed: int = 1,
    late_into: Annotated[
        Path | None,
        typer.Option(help="Leave some facts out, as files here: settle load brings them late."),
    ] = None,
    late_per_mille: Annotated[
        int, typer.Option(min=0, max=1000, help="How many of 1000 facts come late.")
    ] = 2,
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
        )
    for table, count in report.tables.items():
        say(f"{table}: {count} {'known already' if report.is_noop else 'new'}")
    if late_into:
        say(f"late: {report.late} rows; run settle load {late_into} once their week is closed")

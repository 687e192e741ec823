"""Verbs that stay up: serve, and up, which runs all; and the demo."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import OPERATIONS_PANEL, SETUP_PANEL, say
from orchestrator.config import RECEIVER_PORT, load_settings
from orchestrator.database.migrate import prepare_database, set_clock
from orchestrator.dbt.runner import without_collector
from orchestrator.secret_files import exclusive, home_mode


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command(rich_help_panel=SETUP_PANEL)(demo)
    for verb in (up, serve, home):
        app.command(rich_help_panel=OPERATIONS_PANEL)(verb)


Port = Annotated[
    int, typer.Option(min=0, max=65535, help="Of webhooks and pages; 0 takes a free one.")
]


def serve(port: Port = RECEIVER_PORT) -> None:
    """Receive the rail's webhooks (POST /webhooks/halfin); serve the console and sellers' pages."""
    from orchestrator.web.server import serve as serve_web

    settings = load_settings()
    prepare_database(settings)
    if settings.now:  # a receiver that stays up must not hold the clock back to the real time
        set_clock(settings)

    def tell(url: str) -> None:
        say(f"Webhooks are received on {url}/webhooks/halfin")
        say(f"The finance console is on {url}/desk")

    serve_web(settings, port, on_ready=tell)


def home() -> None:
    """Make Dagster's home ready, for a daemon or webserver that something else starts."""
    with without_collector(to_the_end=True):
        from orchestrator.dbt.builds import manifest_path
        from orchestrator.services.dagster_instance import make_history

        settings = load_settings()
        folder = make_history(settings)["DAGSTER_HOME"]
        with exclusive(settings.home / "dbt.lock", home_mode()):  # several units start at once
            manifest_path(settings)
    say(f"Dagster's home is {folder}")


def up(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the graph.")] = 3000,
    read_only_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Of a second graph, to look at only.")
    ] = None,
    receiver_port: Port = RECEIVER_PORT,
) -> None:
    """Run the graph, its daemon, the receiver and off production a rail, until Ctrl-C."""
    from orchestrator.services.up import up as run_all

    run_all(
        load_settings(),
        port=port,
        read_only_port=read_only_port,
        receiver_port=receiver_port,
        tell=say,
    )


def demo(
    data: Annotated[Path | None, typer.Option(help="CSV files instead of generated data.")] = None,
    sellers: Annotated[int, typer.Option(min=1, help="How many are generated.")] = 4000,
    weeks: Annotated[
        int, typer.Option(min=5, help="Weeks of generated trade; the last three are paid.")
    ] = 8,
) -> None:
    """One payout week after another, end to end, in a home of its own."""
    with without_collector(to_the_end=True):  # 85 MB for each of its five builds
        from orchestrator.demo.demo import run_demo

        run_demo(data, sellers=sellers, weeks=weeks)

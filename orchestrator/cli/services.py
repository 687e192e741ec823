"""Verbs that stay up: sandbox, serve; and the demo that uses them all."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.config import load_settings
from orchestrator.migrate import prepare_database, set_clock

RECEIVER_PORT = 8378


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (sandbox, serve, demo):
        app.command()(verb)


def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8377,
    webhook_url: Annotated[
        str, typer.Option(help="Where webhooks go.")
    ] = f"http://127.0.0.1:{RECEIVER_PORT}/webhooks/halfin",
    seed: int = 1,
    failure_rate: Annotated[float, typer.Option(min=0, max=1, help="Of payouts.")] = 0.0,
    error_rate: Annotated[float, typer.Option(min=0, max=1, help="Of calls, with 500.")] = 0.0,
    lost_answer_rate: Annotated[
        float, typer.Option(min=0, max=1, help="Of calls: taken, then cut off.")
    ] = 0.0,
    duplicate_webhooks: bool = False,
    state_file: Annotated[Path | None, typer.Option(help="Keep the books over a restart.")] = None,
) -> None:
    """Run a local halfin that keeps to its public documentation, until Ctrl-C."""
    from orchestrator.rail import api_key, webhook_secrets
    from orchestrator.sandbox import SandboxConfig
    from orchestrator.sandbox import serve as serve_sandbox

    settings = load_settings()
    serve_sandbox(
        SandboxConfig(
            api_key=api_key(settings),
            webhook_url=webhook_url,
            webhook_secret=webhook_secrets(settings)[0],
            seed=seed,
            failure_rate=failure_rate,
            error_rate_500=error_rate,
            accept_then_drop_rate=lost_answer_rate,
            duplicate_webhooks=duplicate_webhooks,
            state_file=state_file,
        ),
        port=port,
        on_ready=lambda url: print(f"The halfin sandbox listens on {url}", flush=True),
    )


def serve(port: Annotated[int, typer.Option(min=0, max=65535)] = RECEIVER_PORT) -> None:
    """Receive the rail's webhooks (POST /webhooks/halfin), until Ctrl-C."""
    from orchestrator.receiver import serve as serve_receiver

    settings = load_settings()
    prepare_database(settings)
    if settings.now:  # a receiver that stays up must not hold the clock back to the real time
        set_clock(settings)
    serve_receiver(
        settings, port, on_ready=lambda url: print(f"Webhooks are received on {url}", flush=True)
    )


def demo(
    data: Annotated[Path | None, typer.Option(help="CSV files instead of generated data.")] = None,
    sellers: Annotated[int, typer.Option(min=1)] = 4000,
    weeks: Annotated[int, typer.Option(min=4)] = 8,
) -> None:
    """One payout week after another, end to end, in a home of its own."""
    from orchestrator.demo import run_demo

    run_demo(data, sellers=sellers, weeks=weeks)

"""`settle sandbox`: the local halfin, and what is to go wrong with it."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli.options import OPERATIONS_PANEL, say
from orchestrator.config import RECEIVER_PORT, load_settings

CALLS, PAYOUTS, WEBHOOKS = "Faults of calls", "Faults of payouts", "Faults of webhooks"


def _rate(meaning: str, panel: str, *names: str) -> Any:
    return typer.Option(*names, min=0, max=1, help=meaning, rich_help_panel=panel)


def _seconds(meaning: str, panel: str | None = None) -> Any:
    return typer.Option(min=0, metavar="SECONDS", help=meaning, rich_help_panel=panel)


def _count(meaning: str, panel: str | None = None, least: int = 0) -> Any:
    return typer.Option(min=least, help=meaning, rich_help_panel=panel)


def register(app: typer.Typer) -> None:
    """Add the verb of this module."""
    app.command(rich_help_panel=OPERATIONS_PANEL)(sandbox)


def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8377,
    webhook_url: Annotated[
        str, typer.Option(help="Where webhooks go; empty for none.")
    ] = f"http://127.0.0.1:{RECEIVER_PORT}/webhooks/halfin",
    state_file: Annotated[Path | None, typer.Option(help="Keep the books over a restart.")] = None,
    seed: Annotated[int, typer.Option(help="Decides which are struck.")] = 1,
    hold: Annotated[
        bool, typer.Option("--hold", help="Payouts wait for POST /sandbox/release.")
    ] = False,
    approval_delay: Annotated[float, _seconds("Until a payout is on the network.")] = 0.2,
    processing_delay: Annotated[float, _seconds("From there until its end.")] = 0.2,
    opening_balance: Annotated[int, _count("Of each currency.")] = 100_000_000,
    max_lines: Annotated[int, _count("Most lines of a batch.", least=1)] = 50_000,
    rate_limit: Annotated[int, _count("Calls a minute.", least=1)] = 300,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="The key lacks payouts:write (403).")
    ] = False,
    error_rate_429: Annotated[float, _rate("Of calls, with 429.", CALLS)] = 0.0,
    error_rate: Annotated[
        float, _rate("Of calls, with 500.", CALLS, "--error-rate", "--error-rate-500")
    ] = 0.0,
    error_rate_503: Annotated[float, _rate("Of calls, with 503.", CALLS)] = 0.0,
    slow_seconds: Annotated[float, _seconds("How long slow answers take.", CALLS)] = 0.0,
    slow_rate: Annotated[float, _rate("Of calls: taken, answered slowly.", CALLS)] = 1.0,
    lost_answer_rate: Annotated[float, _rate("Of POSTs: taken, then cut off.", CALLS)] = 0.0,
    cut_body_rate: Annotated[float, _rate("Of calls: taken, half an answer.", CALLS)] = 0.0,
    fault_limit: Annotated[int | None, _count("Most faults of each kind.", CALLS)] = None,
    refused_destination_rate: Annotated[
        float, _rate("Of destinations: a call with one is refused.", CALLS)
    ] = 0.0,
    most_named_lines: Annotated[int, _count("Most lines a refusal names; 0: all.", CALLS)] = 0,
    failure_rate: Annotated[float, _rate("Of payouts.", PAYOUTS)] = 0.0,
    completed_after_failed_rate: Annotated[
        float, _rate("Of payouts: failed, completed later.", PAYOUTS)
    ] = 0.0,
    completed_after_failed_delay: Annotated[float, _seconds("How much later.", PAYOUTS)] = 1.0,
    returned_rate: Annotated[float, _rate("Of payouts: paid, sent back later.", PAYOUTS)] = 0.0,
    returned_delay: Annotated[float, _seconds("How much later.", PAYOUTS)] = 1.0,
    return_silently: Annotated[
        bool,
        typer.Option(
            "--return-silently", help="Only the ledger shows it.", rich_help_panel=PAYOUTS
        ),
    ] = False,
    other_state_rate: Annotated[
        float, _rate("Of payouts: end in --other-state, untold.", PAYOUTS)
    ] = 0.0,
    other_state: Annotated[
        str, typer.Option(help="A state of no documentation.", rich_help_panel=PAYOUTS)
    ] = "cancelled",
    duplicate_webhooks: Annotated[int, _count("How many times each is sent again.", WEBHOOKS)] = 0,
    webhook_delay: Annotated[float, _seconds("For each.", WEBHOOKS)] = 0.0,
    webhook_jitter: Annotated[float, _seconds("Up to so much more: out of order.", WEBHOOKS)] = 0.0,
    drop_webhook_rate: Annotated[float, _rate("Of webhooks, never sent.", WEBHOOKS)] = 0.0,
    bad_signature_rate: Annotated[
        float, _rate("Of webhooks, wrongly signed at first.", WEBHOOKS)
    ] = 0.0,
    early_webhook_rate: Annotated[
        float, _rate("Of POSTs: webhooks before the answer.", WEBHOOKS)
    ] = 0.0,
) -> None:
    """Run a local halfin that keeps to its public documentation, until Ctrl-C."""
    from orchestrator.halfin.factory import api_key, webhook_secrets
    from orchestrator.halfin_sandbox import SandboxConfig
    from orchestrator.halfin_sandbox import serve as serve_sandbox

    settings = load_settings()
    serve_sandbox(
        SandboxConfig(
            api_key=api_key(settings),
            webhook_url=webhook_url or None,
            webhook_secret=webhook_secrets(settings)[0],
            state_file=state_file,
            seed=seed,
            auto_approve=not hold,
            approval_delay_s=approval_delay,
            processing_delay_s=processing_delay,
            opening_balance=Decimal(opening_balance),
            max_lines=max_lines,
            rate_limit=rate_limit,
            can_pay=not read_only,
            error_rate_429=error_rate_429,
            error_rate_500=error_rate,
            error_rate_503=error_rate_503,
            slow_s=slow_seconds,
            slow_rate=slow_rate,
            accept_then_drop_rate=lost_answer_rate,
            cut_body_rate=cut_body_rate,
            fault_limit=fault_limit,
            refused_destination_rate=refused_destination_rate,
            most_named_lines=most_named_lines,
            failure_rate=failure_rate,
            completed_after_failed_rate=completed_after_failed_rate,
            completed_after_failed_s=completed_after_failed_delay,
            returned_rate=returned_rate,
            returned_s=returned_delay,
            is_return_silent=return_silently,
            other_state_rate=other_state_rate,
            other_state=other_state,
            duplicate_webhooks=duplicate_webhooks,
            webhook_delay_s=webhook_delay,
            webhook_jitter_s=webhook_jitter,
            drop_webhook_rate=drop_webhook_rate,
            bad_signature_rate=bad_signature_rate,
            early_webhook_rate=early_webhook_rate,
        ),
        port=port,
        on_ready=lambda url: say(f"The halfin sandbox listens on {url}"),
    )

"""What happened in the demo, and what to look at next."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows, sql_file

SQL = Path(__file__).parent / "sql"
FAILED_LINES = (
    "select seller_id, net, failure_reason from settlement.seller_settlement"
    " where failure_reason is not null"
)


def show_report(settings: Settings, console: Console, last: str, said: str, seconds: float) -> None:
    """Print the outcomes of each window; `last` is the latest that was paid, and `said` what a
    policy came to, if one was tried."""
    with connect(settings, Component.ORCHESTRATOR) as database:
        outcomes = rows(database, sql_file("outcomes", SQL))
    table = Table(title="What happened")
    for column in ("window", "lines", "total", "paid", "paid amount", "failed", "rolled on"):
        table.add_column(column, justify="left" if column == "window" else "right")
    for row in outcomes:
        table.add_row(
            row["payout_window"], str(row["line_count"]), row["total"], str(row["paid"]),
            row["paid_amount"], str(row["failed"]), row["rolled_amount"],
        )  # fmt: skip
    console.print(table)
    if said:
        console.print(said, soft_wrap=True)
    home = settings.home
    prefix = "" if home == (Path.cwd() / ".settle") else f'SETTLE_HOME="{home}" '
    console.print(
        f"Done in {seconds:.0f} s. Look next:\n"
        f"  {prefix}.venv/bin/settle status\n"
        f"  {prefix}.venv/bin/settle review {last}\n"
        f"  {prefix}.venv/bin/settle sql {FAILED_LINES!r}\n"
        f"  {prefix}.venv/bin/settle db stop",
        soft_wrap=True,
    )

"""The models: build, check a change, show what it would move, their pages."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import ANALYSTS_PANEL, plain_console, ready, say
from orchestrator.config import PROJECT_ROOT, Component, Settings
from orchestrator.database.connection import connect, rows_of
from orchestrator.dbt.runner import without_collector
from orchestrator.errors import SettleError

if TYPE_CHECKING:
    from orchestrator.dbt.diff import MartDiff


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (build, check, diff, docs):
        app.command(rich_help_panel=ANALYSTS_PANEL)(verb)


def build(
    full_refresh: Annotated[bool, typer.Option(help="Every window from the facts.")] = False,
    as_of: Annotated[str | None, typer.Option(help="An instant: 2026-11-16T00:15:00Z.")] = None,
    timezone: Annotated[str | None, typer.Option(help="With --as-of: another zone.")] = None,
) -> None:
    """dbt build of the live schemas, or as of an instant into asof_settlement and its like."""
    from orchestrator.dbt.builds import build_as_of, build_live
    from orchestrator.settlement.check_wallets import check_new_wallets

    instant = _instant(as_of) if as_of else None
    if timezone and instant is None:
        raise typer.BadParameter(
            "--timezone goes with --as-of; the live zone is in dbt_project.yml"
        )
    settings = ready()
    check_new_wallets(settings)
    with without_collector(to_the_end=True):
        if instant is None:
            build_live(settings, full_refresh=full_refresh)
            say("Built the live schemas.")
        else:
            build_as_of(settings, instant, timezone)
            say(f"Built asof_settlement as of {instant.isoformat()}.")


Against = Annotated[str, typer.Option(help="What the change will be merged into.")]


def check(against: Against = "main") -> None:
    """Build and test changed models and what depends on them, beside the live schemas."""
    from orchestrator.dbt.changes import check_changes
    from orchestrator.dbt.git import fork_point, project_at

    settings = ready()
    _require_current_build(settings)
    with project_at(fork_point(against)) as base:
        check_changes(settings, base)
    say("What changed builds, and its tests pass.")


def diff(
    against: Against = "main",
    as_of: Annotated[str | None, typer.Option(help="Default: the last stored close.")] = None,
) -> None:
    """Which rows and sums of the public views a change of the models would move."""
    from orchestrator.dbt.diff import diff_models
    from orchestrator.dbt.git import fork_point, project_at

    instant = _instant(as_of) if as_of else None
    settings = ready()
    with project_at(fork_point(against)) as base:
        _show_diff(diff_models(settings, base, PROJECT_ROOT, instant))


def docs() -> None:
    """dbt's own pages: every model, its columns, and what they are made from."""
    from orchestrator.dbt.runner import run_dbt

    settings = ready()
    run_dbt(settings, ["docs", "generate", "--static"])
    say(f"Open {settings.home / 'dbt' / 'target' / 'static_index.html'}")


def _require_current_build(settings: Settings) -> None:
    """What did not change is read where the live build left it, and must know every close."""
    with connect(settings, Component.DBT, is_read_only=True) as database:
        for close in rows_of(database, "close/unknown_to_build"):
            raise SettleError(
                f"the live build is older than the close of {close['payout_window']}, and a check"
                " reads from it what did not change; run: settle build"
            )


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise typer.BadParameter(f"{text!r} is not an instant; write it like 2026-11-16T00:15:00Z")
    return instant


def _show_diff(diffs: Sequence["MartDiff"]) -> None:
    """One line per mart; below one that moves, its sums and the rows that moved most."""
    console = plain_console()
    read_a_change = [mart for mart in diffs if not mart.is_untouched]
    for mart in read_a_change:
        if mart.note and not mart.rows_before and not mart.rows_after:
            console.print(f"{mart.name}: {mart.note}")
            continue
        counts = f"{mart.rows_differing} of {mart.rows_after} rows differ"
        if mart.rows_before != mart.rows_after:
            counts += f" (before: {mart.rows_before} rows)"
        console.print(f"{mart.name}: {counts}{f'; {mart.note}' if mart.note else ''}")
        for column, (before, after) in mart.sums.items():
            console.print(f"  sum of {column}: {before} -> {after}")
        for row in mart.top_rows:
            console.print(f"  {row}", soft_wrap=True)
    moved = [mart.name for mart in diffs if mart.rows_differing or mart.note]
    untouched = len(diffs) - len(read_a_change)
    others = f"; {untouched} read nothing that changed" if untouched else ""
    console.print(f"{len(moved)} of {len(diffs)} public views move{others}.")

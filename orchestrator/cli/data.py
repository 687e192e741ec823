"""Verbs about the database and what is in it: db, user, load, generate, build, sql."""

import shutil
import sys
from datetime import datetime
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Annotated

import psycopg
import typer
from psycopg.sql import SQL

from orchestrator.cli.options import password_of, ready
from orchestrator.config import PROJECT_ROOT, Component, Environment, load_settings
from orchestrator.database.connection import connect, rows
from orchestrator.database.migrate import prepare_database, set_clock
from orchestrator.database.people import add_person, remove_person
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.errors import SettleError

MAX_IN_MEMORY = 2**24


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    db = typer.Typer(no_args_is_help=True, help="The embedded Postgres: start, stop, url.")
    db.command("start")(db_start)
    db.command("stop")(db_stop)
    db.command("url")(db_url)
    app.add_typer(db, name="db")
    user = typer.Typer(no_args_is_help=True, help="Personal logins.")
    user.command("add")(user_add)
    user.command("remove")(user_remove)
    app.add_typer(user, name="user")
    app.command()(load)
    app.command()(generate)
    app.command()(build)
    app.command()(check)
    app.command()(diff)
    app.command()(docs)
    app.command()(sql)


def db_start() -> None:
    """Start the embedded Postgres and migrate it; with an external one, migrate that."""
    settings = load_settings()
    prepare_database(settings, is_asked=True)
    set_clock(settings)
    where = f"embedded, data in {settings.home}" if settings.is_embedded else "external"
    print(f"Postgres is up ({where}).")


def db_stop() -> None:
    """Stop the embedded Postgres."""
    settings = load_settings()
    if not settings.is_embedded:
        raise SettleError("an external Postgres is configured (SETTLE_DATABASE_URL): stop it there")
    stopped = EmbeddedPostgres(settings.home).stop()
    print("Postgres stopped." if stopped else "Postgres was not running.")


def db_url(
    component: Annotated[Component, typer.Argument(help="Whose login.")] = Component.OWNER,
) -> None:
    """Print the URL of a component's login, password included."""
    settings = load_settings()
    if settings.is_embedded:
        print(EmbeddedPostgres(settings.home).url(component.value))
    else:
        print(settings.urls.get(component) or f"external; no URL is set for {component.value}")


def user_add(
    name: Annotated[str, typer.Argument(help="The login's name.")],
    group: Annotated[str, typer.Option(help="finance (approves) or analyst (reads).")],
) -> None:
    """Create a personal login, or give it a new password and group."""
    password = password_of(name)
    add_person(ready(), name, password, group)
    print(f"{name} is in the {group} group.")


def user_remove(name: Annotated[str, typer.Argument(help="The login's name.")]) -> None:
    """Take a personal login away and end its sessions; what it decided stays."""
    remove_person(ready(), name)
    print(f"{name} can no longer log in.")


def load(
    directory: Annotated[Path, typer.Argument(help="CSV files named after the tables.")],
) -> None:
    """Load CSV files named after the source tables, all or nothing."""
    from orchestrator.loading.load import LoadRefused, load_directory

    settings = ready()
    try:
        with connect(settings, Component.OWNER) as database:
            report = load_directory(database, directory)
    except LoadRefused as refused:
        for line in refused.lines:
            print(line, file=sys.stderr)
        raise
    for table, counts in report.tables.items():
        print(
            f"{table}: {counts.inserted} new, {counts.unchanged} known already"
            + (f", {counts.replaced} replaced" if counts.replaced else "")
            + (f", {counts.ignored} older ignored" if counts.ignored else "")
        )


def generate(
    sellers: Annotated[int, typer.Option(min=1)] = 4000,
    weeks: Annotated[int, typer.Option(min=1)] = 8,
    orders_per_seller_week: Annotated[int, typer.Option(min=1)] = 5,
    seed: int = 1,
) -> None:
    """Fill an empty database with a deterministic marketplace that ends now."""
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
        )
    for table, count in report.tables.items():
        print(f"{table}: {count} {'known already' if report.is_noop else 'new'}")


def build(
    full_refresh: Annotated[bool, typer.Option(help="Every window from the facts.")] = False,
    as_of: Annotated[str | None, typer.Option(help="An instant: 2026-11-16T00:15:00Z.")] = None,
    timezone: Annotated[str | None, typer.Option(help="With --as-of: another zone.")] = None,
) -> None:
    """dbt build of the live schemas, or as of an instant into asof_settlement and its like."""
    from orchestrator.dbt.runner import build_as_of, build_live
    from orchestrator.settlement.check_wallets import check_new_wallets

    instant = _instant(as_of) if as_of else None
    if timezone and instant is None:
        raise typer.BadParameter(
            "--timezone goes with --as-of; the live zone is in dbt_project.yml"
        )
    settings = ready()
    check_new_wallets(settings)
    if instant is None:
        build_live(settings, full_refresh=full_refresh)
        print("Built the live schemas.")
    else:
        build_as_of(settings, instant, timezone)
        print(f"Built asof_settlement as of {instant.isoformat()}.")


Against = Annotated[str, typer.Option(help="What the change will be merged into.")]


def check(against: Against = "main") -> None:
    """Build and test what changed in the models, and what stands on it, beside the live schemas."""
    from orchestrator.dbt.git import fork_point, project_at
    from orchestrator.dbt.runner import check_changes

    settings = ready()
    with project_at(fork_point(against)) as base:
        check_changes(settings, base)
    print("What changed builds, and its tests pass.")


def diff(
    against: Against = "main",
    as_of: Annotated[str | None, typer.Option(help="Default: the last stored close.")] = None,
) -> None:
    """Which rows and sums of the public views a change of the models would move."""
    from orchestrator.cli.show_diff import show_diff
    from orchestrator.dbt.diff import diff_models
    from orchestrator.dbt.git import fork_point, project_at

    instant = _instant(as_of) if as_of else None
    settings = ready()
    with project_at(fork_point(against)) as base:
        show_diff(diff_models(settings, base, PROJECT_ROOT, instant))


def docs() -> None:
    """dbt's own pages: every model, its columns, and what they are made from."""
    from orchestrator.dbt.runner import run_dbt

    settings = ready()
    run_dbt(settings, ["docs", "generate", "--static"])
    print(f"Open {settings.home / 'dbt' / 'target' / 'static_index.html'}")


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise typer.BadParameter(f"{text!r} is no instant; write it like 2026-11-16T00:15:00Z")
    return instant


def sql(query: Annotated[str, typer.Argument(help="A select.")]) -> None:
    """Print the rows of a query as CSV, with a header; it can read and nothing else."""
    settings = ready()
    # On lines of its own: it may end in a comment.
    text = SQL("(\n{}\n)").format(SQL(query.rstrip().rstrip(";")))
    # Printed when all of it is there: half a file looks like a whole one.
    with SpooledTemporaryFile(MAX_IN_MEMORY) as found:
        with connect(settings, Component.ORCHESTRATOR) as database:
            database.execute("set transaction read only")
            try:
                # Prepared, so that the server takes one statement and no more: a second one could
                # end the transaction and write.
                database.execute(SQL("select from {} as q limit 0").format(text), prepare=True)
                copy = SQL("copy {} to stdout with (format csv, header)").format(text)
                with database.cursor().copy(copy) as blocks:
                    for block in blocks:
                        found.write(block)
            except psycopg.Error as error:
                if isinstance(error, psycopg.OperationalError):
                    raise
                reason = error.diag.message_primary or error
                raise SettleError(f"the query failed: {reason}") from None
        found.seek(0)
        shutil.copyfileobj(found, sys.stdout.buffer)
        sys.stdout.flush()

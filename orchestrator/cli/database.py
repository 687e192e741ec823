"""The database and who may log in: db, user."""

from typing import Annotated

import typer

from orchestrator.cli.options import SETUP_PANEL, password_of, ready, say
from orchestrator.config import Component, load_settings
from orchestrator.database.copies import declare_copy
from orchestrator.database.migrate import prepare_database, set_clock
from orchestrator.database.people import add_person, reading_login, remove_person
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.errors import SettleError


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    db = typer.Typer(no_args_is_help=True, help="The embedded Postgres: start, stop, url.")
    db.command("start")(db_start)
    db.command("stop")(db_stop)
    db.command("url")(db_url)
    db.command("declare-copy")(db_declare_copy)
    db.command("prune")(db_prune)
    db.command("distribute")(db_distribute)
    db.command("rebalance")(db_rebalance)
    app.add_typer(db, name="db", rich_help_panel=SETUP_PANEL)
    user = typer.Typer(
        no_args_is_help=True, help="Logins of people and of the marketplace's backend."
    )
    user.command("add")(user_add)
    user.command("remove")(user_remove)
    app.add_typer(user, name="user", rich_help_panel=SETUP_PANEL)


def db_start() -> None:
    """Start the embedded Postgres and migrate it; with an external one, migrate that."""
    settings = load_settings()
    prepare_database(settings, is_asked=True)
    set_clock(settings)
    where = f"embedded, data in {settings.home}" if settings.is_embedded else "external"
    say(f"Postgres is up ({where}).")


def db_stop() -> None:
    """Stop the embedded Postgres."""
    settings = load_settings()
    if not settings.is_embedded:
        raise SettleError("an external Postgres is configured (SETTLE_DATABASE_URL): stop it there")
    stopped = EmbeddedPostgres(settings.home).stop()
    say("Postgres stopped." if stopped else "Postgres was not running.")


def db_url(
    component: Annotated[Component, typer.Argument(help="Whose login.")] = Component.OWNER,
) -> None:
    """Print the URL of a component's login, password included."""
    settings = load_settings()
    if settings.is_embedded:
        say(EmbeddedPostgres(settings.home).url(component.value))
    else:
        say(settings.urls.get(component) or f"external; no URL is set for {component.value}")


def db_declare_copy(
    database: Annotated[
        str, typer.Argument(help="The copy, as SERVER/DATABASE; without it the verb says which.")
    ] = "",
) -> None:
    """Declare this database a copy of production: it gets another id and never pays."""
    original = declare_copy(load_settings(), database)
    say(
        f"{database} is a copy of installation {original}: it has an id of its own, is development"
        " and pays nobody, for good."
    )


def db_prune() -> None:
    """Empty the rail's raw texts older than SETTLE_RAW_TEXT_MONTHS, as reconcile does in parts."""
    from orchestrator.settlement.retention import prune

    settings = ready()
    counts = ", ".join(f"{count} {what}" for what, count in prune(settings).items())
    say(f"Older than {settings.raw_text_months} months and emptied: {counts}.")


def db_distribute() -> None:
    """Put the large tables on the workers of a Citus cluster, each seller's rows together."""
    from orchestrator.dbt.distribution import distribute

    count = distribute(load_settings())
    say(
        f"{count} tables are on the workers now, by seller. Next: settle build --full-refresh."
        if count
        else "The large tables are on the workers already."
    )


def db_rebalance() -> None:
    """Even out what the workers of a Citus cluster have, after one was added or is to leave."""
    from orchestrator.dbt.distribution import rebalance

    count = rebalance(load_settings())
    say(f"{count} parts moved." if count else "The workers have equal parts already.")


def user_add(
    name: Annotated[str, typer.Argument(help="The login's name.")],
    group: Annotated[
        str,
        typer.Option(
            help="finance (approves), analyst (reads), or marketplace: the backend that writes"
            " facts and sellers."
        ),
    ],
) -> None:
    """Create a login of a person or of the backend, or give it a new password and group."""
    password = password_of(name)
    add_person(ready(), name, password, group)
    say(f"{name} is in the {group} group.")
    if group == "finance":
        say(f"{reading_login(name)}, with the same password, reads what dbt builds.")


def user_remove(name: Annotated[str, typer.Argument(help="The login's name.")]) -> None:
    """Take such a login away and end its sessions; what it decided stays."""
    remove_person(ready(), name)
    say(f"{name} can no longer log in.")

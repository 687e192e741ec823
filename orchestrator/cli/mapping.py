"""A team's own tables as sources: map, doctor."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import SETUP_PANEL, Json, print_json, ready, say
from orchestrator.config import Component
from orchestrator.database.connection import connect

if TYPE_CHECKING:
    from orchestrator.loading.doctor.findings import Outlook

mapping = typer.Typer(help="Make your own tables the sources.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (init, apply):
        mapping.command()(verb)
    app.add_typer(mapping, name="map", rich_help_panel=SETUP_PANEL)
    app.command(rich_help_panel=SETUP_PANEL)(doctor)


@mapping.callback()
def group() -> None:
    """Make your own tables the sources."""


def init(
    folder: Annotated[Path, typer.Argument(help="Where the files go.")] = Path("mapping"),
) -> None:
    """Write one SQL file per source: a view with its columns, types and what each means."""
    from orchestrator.loading.mapping import SCHEMA, write_mapping

    for path in write_mapping(folder):
        say(str(path))
    say(f"Fill them in, then: settle map apply {folder}, and settle doctor --schema {SCHEMA}")


def apply(
    place: Annotated[Path, typer.Argument(help="The folder, or one file.")] = Path("mapping"),
) -> None:
    """Run the files in the order of their names, all or none, as the owner of the database."""
    from orchestrator.loading.mapping import apply_mapping

    with connect(ready(), Component.OWNER) as database:
        for path in apply_mapping(database, place):
            say(str(path))


def doctor(
    directory: Annotated[
        Path | None, typer.Argument(help="CSV files to look at, instead of the database.")
    ] = None,
    schema: Annotated[
        str | None, typer.Option(help="Views to look at before dbt_project.yml names them.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 for warnings too.")] = False,
    as_json: Json = False,
) -> None:
    """Read the sources, ask a cluster's nodes, say what is wrong; exit 1 at an error."""
    from orchestrator.loading.doctor.examine import examine
    from orchestrator.loading.doctor.findings import Severity

    if directory and schema:
        raise typer.BadParameter("name files or a schema, not both", param_hint="--schema")
    with connect(ready(), Component.DBT) as database:
        found = examine(database, directory, schema=schema)
    errors, warnings = found.count(Severity.ERROR), found.count(Severity.WARNING)
    if as_json:
        print_json(asdict(found) | {"errors": errors, "warnings": warnings})
    else:
        for finding in found.findings:
            say(finding.line)
        for table, count in found.counts.items():
            say(f"{table}: {_counted(count, 'row')}")
        if found.outlook:
            _say_outlook(found.outlook)
        say(f"{_counted(errors, 'error')}, {_counted(warnings, 'warning')}")
    if errors or (strict and warnings):
        raise typer.Exit(1)


def _say_outlook(outlook: "Outlook") -> None:
    say(
        f"{outlook.payable_count} of {outlook.order_count} orders ({outlook.payable_percent} %)"
        " would be paid, as sellers are now"
    )
    for obstacle, count in outlook.obstacles.items():
        say(f"  {_counted(count, 'order')} {obstacle}")
    say(
        f"The first window is {outlook.first_window}, "
        + (
            f"and windows up to {outlook.latest_window} can be closed"
            if outlook.is_closable
            else "which has not ended"
        )
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")

"""`settle export archive`: a year for auditors, as files that can be checked."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import Json, password_of, print_json, ready, say
from orchestrator.errors import SettleError


def archive(
    year: Annotated[
        int | None, typer.Option(min=2000, max=9999, help="A calendar year to write, like 2025.")
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="The folder of an archive to compare."),
    ] = None,
    to: Annotated[
        Path, typer.Option(exists=True, file_okay=False, writable=True, help="Where it goes.")
    ] = Path("."),
    name: Annotated[
        str | None,
        typer.Option(
            "--as", help="A reading login, like ana_reads; without it, the command line's own."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a year of closed windows for auditors, or compare such an archive with the database.

    The folder archive-YEAR has the facts, stored closes, decisions, payouts and books of all
    windows with an instant in the year, each as gzipped CSV, and manifest.json with counts, sums
    and hashes. The same year of the same database is the same bytes. A year whose windows are not
    all closed is refused. It prints the manifest's SHA-256, as sha256sum has it: keep it apart.
    --check prints a line for each difference, and exits with 1 if there is one.
    """
    if (year is None) == (check is None):
        raise typer.BadParameter("say --year to write an archive, or --check to compare one")
    # Here: they load what no other reading verb needs.
    from orchestrator.archive.checking import check_archive
    from orchestrator.archive.manifest import NAME as MANIFEST
    from orchestrator.archive.reading import Login
    from orchestrator.archive.writing import write_archive

    login = Login(name, password_of(name)) if name else None
    settings = ready()
    if year is not None:
        folder, digest = write_archive(settings, year, to, login)
        if as_json:
            print_json({"archive": str(folder), "manifest_sha256": digest})
        else:
            say(f"{digest}  {folder / MANIFEST}")
    elif check is not None:
        manifest, differences = check_archive(settings, check, login)
        if as_json:
            print_json({"archive": str(check), "differences": differences})
        else:
            for line in differences:
                say(line)
        if differences:
            raise SettleError(f"{check} and the database differ in {len(differences)} places")
        if not as_json:
            say(f"{check}: {len(manifest.files)} files and {manifest.row_count} rows, as they were")

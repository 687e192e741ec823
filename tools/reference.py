"""Writes docs/reference/cli.md and environment.md from the code: `make reference`."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import typer

from orchestrator.cli import app
from orchestrator.config import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "docs" / "reference"
WRITTEN = "<!-- Written by `make reference`; do not edit. -->\n"
VARIABLE = re.compile(r"\b(?:SETTLE|HALFIN)_[A-Z][A-Z_]*[A-Z]\b")
# What a person sets, with its meaning; INTERNAL is set by `settle` for the programs it starts.
ENVIRONMENT = {
    "SETTLE_ENV": "`production`, `demo` or `development` (default). Kept in the database: a"
    " production database never becomes another kind.",
    "SETTLE_HOME": "Data, secrets and logs of the embedded server. Default `.settle`.",
    "SETTLE_DATABASE_URL": "An external PostgreSQL 15 or newer: a login with `createrole` that"
    " owns the database. Used for migrations and the clock only.",
    "SETTLE_DBT_URL": "Login of dbt on the external server, in group `settle_dbt`.",
    "SETTLE_ORCHESTRATOR_URL": "Login of the orchestrator there, in group `settle_orchestrator`.",
    "SETTLE_WEBHOOK_URL": "Login of the webhook receiver there, in group `settle_webhook`.",
    "SETTLE_PORTAL_URL": "Login of the sellers' pages there, in group `settle_portal`.",
    "SETTLE_DAGSTER_URL": "Database and login of Dagster's run history, on an external server.",
    "SETTLE_LINK_SECRET": "Signs sellers' links; 32 characters or more. Two, separated by a comma,"
    " while rotating: the first signs. Generated off production.",
    "SETTLE_PAGES_URL": "Where people reach the pages. Default `http://127.0.0.1:8378`.",
    "SETTLE_ALERT_URL": "Alerts are posted here as JSON, each at least once.",
    "SETTLE_NOW": "An instant (ISO 8601 with an offset) instead of the clock. Refused in"
    " production.",
    "SETTLE_PASSWORD": "A person's password, where there is no terminal to ask at.",
    "HALFIN_BASE_URL": "The rail. Default: the local sandbox, `http://127.0.0.1:8377/api`.",
    "HALFIN_API_KEY": "The rail's API key. Generated for the sandbox off production.",
    "HALFIN_WEBHOOK_SECRET": "Verifies webhooks. Two, separated by a comma, while rotating.",
    "HALFIN_BATCH_PATH": "The path that batches are posted to, if not the assumed one.",
    "HALFIN_MAX_LINES_PER_CALL": "Lines in one call; 1 pays line by line. Default: all in one.",
}
INTERNAL = re.compile(r"SETTLE_DBT_(HOST|PORT|USER|PASSWORD|DBNAME|SCHEMA|THREADS|TARGET)$")


def cli() -> str:
    """Every command with its arguments and options, as Typer has them."""
    root = typer.main.get_command(app)
    intro = "Exit codes: 0 done, 1 refused or failed with one line on stderr, 2 bad usage."
    return "\n".join([f"# Commands\n\n{WRITTEN}\n{intro}\n", *_commands(root, "settle")])


def _commands(command: object, name: str) -> Iterator[str]:
    for verb, child in sorted(getattr(command, "commands", {}).items()):
        full = f"{name} {verb}"
        yield f"## {full}\n\n{_plain(child.help)}\n"
        parameters = [p for p in child.params if p.name != "help"]
        if parameters:
            yield "| parameter | meaning |\n|---|---|"
            yield from (_parameter(p) for p in parameters)
            yield ""
        yield from _commands(child, full)


def _parameter(parameter: object) -> str:
    options = [*getattr(parameter, "opts", ()), *getattr(parameter, "secondary_opts", ())]
    is_argument = getattr(parameter, "param_type_name", "") == "argument"
    shown = str(getattr(parameter, "name", "")).upper() if is_argument else "`, `".join(options)
    notes = [_plain(getattr(parameter, "help", None))]
    if getattr(parameter, "required", False):
        notes.append("Required.")
    default = getattr(parameter, "default", None)
    if isinstance(default, int | float | str) and not isinstance(default, bool) and default != "":
        notes.append(f"Default `{default}`.")
    return f"| `{shown}` | {' '.join(n for n in notes if n)} |"


def _plain(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|").replace("<", "&lt;")


def environment() -> str:
    """Every variable that a person sets."""
    table = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in ENVIRONMENT.items())
    return (
        f"# Environment\n\n{WRITTEN}\nRead once, when a command starts."
        " A value that cannot be right is refused with one line.\n\n"
        f"| variable | meaning |\n|---|---|\n{table}\n"
    )


def variables_in_code() -> set[str]:
    """Every variable that the code names, but for those it sets itself."""
    found: set[str] = set()
    for path in (PROJECT_ROOT / "orchestrator").rglob("*.py"):
        found |= set(VARIABLE.findall(path.read_text(encoding="utf-8")))
    return {name for name in found if not INTERNAL.match(name)}


def pages() -> dict[Path, str]:
    return {FOLDER / "cli.md": cli(), FOLDER / "environment.md": environment()}


def main() -> None:
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(PROJECT_ROOT))


if __name__ == "__main__":
    sys.exit(main())

"""Writes docs/reference/cli.md and environment.md from the code: `make reference`."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import typer

from orchestrator.cli import app_of
from orchestrator.config import PROJECT_ROOT, variables

FOLDER = PROJECT_ROOT / "docs" / "reference"
WRITTEN = "<!-- Written by `make reference`; do not edit. -->\n"
VARIABLE = re.compile(r"\b(?:SETTLE|HALFIN)_[A-Z][A-Z_]*[A-Z]\b")
# Beside the settings, what one command reads; INTERNAL is set by `settle` for what it starts.
ELSEWHERE = {
    "SETTLE_PASSWORD": "A person's password, where there is no terminal to ask at.",
    "SETTLE_GRAPH_HOSTS": "Host names, separated by commas, under which people reach the graph"
    " beside this machine's own; a request for another host is refused.",
}
ENVIRONMENT = variables() | ELSEWHERE
INTERNAL = re.compile(
    r"SETTLE_DBT_(HOST|PORT|USER|PASSWORD|DBNAME|SCHEMA|THREADS|TARGET|SSL[A-Z]+)$"
)


def cli() -> str:
    """Every command with its arguments and options, as Typer has them."""
    root = typer.main.get_command(app_of())
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

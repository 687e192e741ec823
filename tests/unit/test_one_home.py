"""What is said in one place only."""

import re
from pathlib import Path

ORCHESTRATOR = Path(__file__).parents[2] / "orchestrator"
# Up to the next cent: no conversion.
ROUNDED_UP = "ceil(greatest(n.amount + n.fees - coalesce(b.available, 0), 0) * 100) / 100"


def test_minor_units_become_decimals_in_one_place() -> None:
    found = [
        f"{file.name}: {line.strip()}"
        for folder in ("database/functions", "queries")
        for file in sorted((ORCHESTRATOR / folder).rglob("*.sql"))
        for line in file.read_text().replace(ROUNDED_UP, "").splitlines()
        if re.search(r"/\)? *100\b", line)
    ]
    assert found == [
        "amounts.sql: $$ select (p_minor operator(pg_catalog./) 100)::pg_catalog.numeric(20, 2) $$;"
    ]


def test_digits_are_those_of_ascii() -> None:
    """What `\\d` is, a server's locale decides: a digit of another script is no integer."""
    folders = [ORCHESTRATOR, *(ORCHESTRATOR.parent / folder for folder in ("models", "macros"))]
    found = {
        file.name
        for folder in folders
        for file in folder.rglob("*.sql")
        if "database/migrations" not in str(file) and r"\d" in file.read_text()
    }
    assert found == {"require_plain_call.sql"}  # Postgres writes those lines itself

"""docs/security.md says who could do harm, and names a test for each thing that they cannot."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from orchestrator.config import PROJECT_ROOT, Component
from orchestrator.database.connection import connect
from tests.functions.market import Market
from tools.rights import GROUPS, PAGE, rights_page

ACTORS = (
    *("A model author", "An analyst", "One person in finance", "Two people in finance"),
    *("The orchestrator", "The receiver", "The portal", "The marketplace's backend"),
    *("Root on the host", "The database administrator", "The rail", "A stranger"),
)
TEXT = (PROJECT_ROOT / "docs" / "security.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^### (.+?)\n(.*?)(?=^##)", re.M | re.S)
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
HEAD = "| cannot | because | tried by |"


def rows() -> Iterator[tuple[str, str]]:
    """The actor and the cells of each row."""
    for actor, section in SECTION.findall(TEXT):
        for line in section.splitlines():
            if line.startswith("| ") and line != HEAD:
                yield actor, line


@cache
def functions_of(path: str) -> set[str]:
    tree = ast.parse((PROJECT_ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_everybody_is_there_who_could_do_harm() -> None:
    assert tuple(actor for actor, _ in SECTION.findall(TEXT)) == ACTORS
    assert {actor for actor, _ in rows()} == {*ACTORS}


@pytest.mark.parametrize("actor", ACTORS)
def test_what_they_cannot_is_tried_by_a_test_that_exists(actor: str) -> None:
    for row in [line for name, line in rows() if name == actor]:
        found = NAMED.findall(row.strip("|").rpartition("|")[2])
        assert found, row
        for path, name in found:
            assert name in functions_of(path), f"{path} has no {name}"


def test_each_way_in_that_was_found_has_a_test_that_exists() -> None:
    page = (PROJECT_ROOT / "docs" / "ways-in.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 31
    for row in rows:
        assert NAMED.search(row[-1]), row
    for path, name in NAMED.findall(page):
        assert name in functions_of(path), f"{path} has no {name}"


def test_the_page_of_rights_is_what_the_catalog_says() -> None:
    """Write it again with: make reference."""
    with Market.open(is_fresh=True) as market, connect(market.settings, Component.OWNER) as owner:
        assert rights_page(owner) == PAGE.read_text(encoding="utf-8")
        groups = owner.execute("select rolname from pg_roles where rolname like 'settle\\_%%'")
        ours = {str(name) for (name,) in groups} - {"settle_owner", Component.OWNER.value}
        assert ours == {*GROUPS} - {"public"}

"""Pages say what is there: links, paths, commands, variables, pictures."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.config import PROJECT_ROOT
from orchestrator.loading.csv_files import SOURCES
from tools import check_files, reference

PAGES = sorted(
    [
        *PROJECT_ROOT.glob("*.md"),
        *PROJECT_ROOT.glob("docs/**/*.md"),
        PROJECT_ROOT / "deploy/README.md",
    ]
)
# Made by whoever installs.
MADE_LATER = ("deploy/settle.env",)
TOP = "models|orchestrator|tests|docs|deploy|seeds|macros|snapshots|tools"
PATH = re.compile(rf"`((?:{TOP})/[\w./-]*)`")
LINK = re.compile(r"(?:\]\(|src=\")([^)\"#]+)")


def build_site(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-f", str(folder / "mkdocs.yml")],
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(PROJECT_ROOT)))
def test_paths_and_links_of_a_page_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    missing = [
        path
        for path in PATH.findall(text)
        if path not in MADE_LATER and not (PROJECT_ROOT / path).exists()
    ]
    missing += [
        link
        for link in LINK.findall(text)
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert missing == []


def test_every_column_of_a_source_is_explained() -> None:
    text = (PROJECT_ROOT / "docs/reference/sources.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    for source in SOURCES:
        required, optional = rows[source.table].split("|")[2:4]
        for name, column in source.columns.items():
            assert f"`{name}`" in (optional if column.absent else required), name


def test_every_picture_is_shown() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    pictures = sorted((PROJECT_ROOT / "docs" / "images").iterdir())
    assert [p.name for p in pictures if f"images/{p.name}" not in text] == []


@pytest.mark.parametrize("broken", ["[x](no-such-page.md)", "[x](glossary.md#no-such-anchor)"])
def test_a_dead_link_or_anchor_fails_the_site(tmp_path: Path, broken: str) -> None:
    shutil.copytree(PROJECT_ROOT / "docs", tmp_path / "docs")
    shutil.copy(PROJECT_ROOT / "mkdocs.yml", tmp_path)
    assert build_site(tmp_path).returncode == 0
    with (tmp_path / "docs" / "start.md").open("a", encoding="utf-8") as page:
        page.write(broken)
    assert build_site(tmp_path).returncode != 0


def test_the_reference_is_current() -> None:
    stale = [p.name for p, text in reference.pages().items() if p.read_text("utf-8") != text]
    assert stale == [], "run make reference"


def test_every_variable_of_the_code_is_documented_and_no_other() -> None:
    assert reference.variables_in_code() == set(reference.ENVIRONMENT)


def test_a_planted_key_is_found(tmp_path: Path) -> None:
    file = tmp_path / "settings.txt"
    file.write_text("a\nkey = AK" + "IA" + "ABCDEFGHIJKLMNOP\n")
    assert [p.split(":")[1] for p in check_files.secret_problems(file)] == ["2"]
    file.write_text("nothing\n")
    assert check_files.secret_problems(file) == []


def test_every_alert_and_every_break_has_a_page() -> None:
    """Whoever is woken by a kind finds it under "Something is wrong"."""
    pages = "".join(
        path.read_text(encoding="utf-8") for path in (PROJECT_ROOT / "docs/operations").glob("*.md")
    )
    sql = "".join(
        path.read_text(encoding="utf-8")
        for path in (PROJECT_ROOT / "orchestrator/database/functions").glob("*/*.sql")
    )
    kinds = set(re.findall(r"(?:raise_alert|raise_alert_once|open_break)\(\s*'([a-z_]+)'", sql))
    kinds |= set(re.findall(r"select '(\w+_\w+)', \w", sql))  # differences of the books
    kinds |= {"unknown", "stopped", "rejected", "withdrawn", "pending_approval", "stuck"}
    assert {"mismatch", "returned_by_ledger", "payout_without_line", "refused"} <= kinds
    assert {kind for kind in kinds if f"`{kind}" not in pages} == set()

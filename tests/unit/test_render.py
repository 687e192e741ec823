"""How pages write weeks, and rows that somebody can choose."""

import csv
import re
from html import unescape

import pytest

from orchestrator.config import PROJECT_ROOT
from orchestrator.decisions.decisions import FIELDS
from orchestrator.web import labels
from orchestrator.web.render import coded, csv_line, in_words, week


@pytest.mark.parametrize(
    ("window", "days", "with_year"),
    [
        ("2026-W47", "16 to 22 November", "16 to 22 November 2026"),
        ("2026-W49", "30 November to 6 December", "30 November to 6 December 2026"),
        ("2026-W53", "28 December 2026 to 3 January 2027", "28 December 2026 to 3 January 2027"),
    ],
)
def test_a_window_is_written_as_its_days(window: str, days: str, with_year: str) -> None:
    assert (week(window), week(window, has_year=True)) == (days, with_year)


def test_a_row_of_a_file_is_read_back_as_it_was() -> None:
    row = ['a "seller", quoted', "two\nlines", ""]
    assert [*csv.reader([csv_line(["s", None])])] == [["s", ""]]
    [found] = csv.reader(unescape(csv_line(row)).splitlines(keepends=True))
    assert found == row


def test_every_reason_and_limit_has_its_words() -> None:
    """Where one joins the database's, the console would show its code."""
    home = PROJECT_ROOT / "orchestrator/database/functions/approval/hold_reasons.sql"
    reasons = re.findall(r"^\(\d+, '(\w+)'", home.read_text(encoding="utf-8"), re.MULTILINE)
    assert list(labels.REASONS) == reasons
    assert set(labels.LIMITS) == set(FIELDS["limit"].choices or ())
    assert len({*labels.CODES.values()}) == len(labels.CODES)


def test_codes_are_words_on_a_page_and_nothing_else_changes() -> None:
    assert in_words("s1 is held for below_minimum, not below_seller_minimum") == (
        "s1 is held for amount below the minimum, not amount below the seller's minimum"
    )
    assert in_words("my_wallet_changed stays") == "my_wallet_changed stays"
    assert in_words(None) == ""
    assert (coded("not_a_known_code"), coded(3), coded(None)) == ("not a known code", 3, None)

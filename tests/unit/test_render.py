"""How pages write weeks, and rows that somebody can choose."""

import csv
from html import unescape

import pytest

from orchestrator.web.render import csv_line, week


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

"""What goes on after an archive was written. These tests change the year, so they are the last."""

import gzip
from dataclasses import replace
from pathlib import Path

from orchestrator.config import Component
from orchestrator.database.connection import connect
from orchestrator.settlement.retention import prune
from tests.archive.closed_year import ClosedYear
from tests.archive.files import manifest_of
from tests.support.closed_week import NOW, SECOND, WINDOW
from tests.support.settings import at


def test_pruned_texts_leave_the_archive_as_it_was(year: ClosedYear, archive: Path) -> None:
    later = at(year.settings, NOW.replace(year=2028))
    gone = prune(replace(later, raw_text_months=6))
    assert gone["responses"] == 1
    assert gone["events"] > 0
    at(year.settings, NOW)
    assert year.differences(archive) == []


def test_what_people_decide_later_is_told_from_an_edit(year: ClosedYear, archive: Path) -> None:
    [hold] = year.found("select seller_id from finance.seller_holds")
    year.done(SECOND, "release", WINDOW, hold["seller_id"], "--note", "answered")
    lines = {line.partition(":")[0]: line for line in year.differences(archive)}
    assert lines["seller_holds"].startswith(
        "seller_holds: first at '1': lifted_by is empty, and 'ben' in the database, lifted_at is"
    )
    assert lines["seller_holds"].endswith(" in the database; people go on to decide")
    # A release of a window is a row of its own.
    assert lines.keys() <= {"seller_holds", "hold_releases"}


ERASE = """
update finance.erasures
set
    approved_by = 'ben', approved_at = settle_now(), key_id = '00000000',
    pseudonym = finance.pseudonym('\\x01', 'name'),
    erased_in = (pg_current_xact_id()::text)::bigint
"""


def test_an_archive_from_before_an_erasure_is_to_be_written_again(
    year: ClosedYear, archive: Path, tmp_path: Path
) -> None:
    before = manifest_of(year.write(tmp_path))
    [row] = year.found(
        "select seller_id, wallet_address from finance.payout_lines order by seller_id limit 1"
    )
    with connect(year.settings, Component.OWNER) as owner:
        owner.execute(
            "insert into finance.erasures (seller_id, note) values (%s, '-')", [row["seller_id"]]
        )
        owner.execute(ERASE.encode())
        owner.execute("select finance.erase_seller(e, '\\x01') from finance.erasures as e")
    first, *others = year.differences(archive)
    assert first == (
        f"{row['seller_id']}: erased since, and in this archive as before: write the year again,"
        " and destroy this one and its copies"
    )
    assert any(line.startswith("window_close_rows: first at ") for line in others)
    (tmp_path / "again").mkdir()
    again = year.write(tmp_path / "again")
    assert year.differences(again) == []
    after = manifest_of(again)
    assert after["erased_sellers"] == [row["seller_id"]]
    figures = [
        {f["name"]: (f["rows"], f["sums"]) for f in m["files"] if f["name"] != "erasures"}
        for m in (before, after)
    ]
    # Whoever has the seller's wallet has another check of it now.
    changed = {name for name in figures[0] if figures[0][name] != figures[1][name]}
    assert changed <= {"wallet_checks"}
    text = b"".join(gzip.decompress(f.read_bytes()) for f in again.glob("*.gz")).decode()
    assert row["wallet_address"] not in text

"""Adjustments, one by one and as a file: two people, a type, nothing twice."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from orchestrator.decisions.decisions import FIELDS
from tests.functions.market import CLOSE, DUE, LINES, WEEK, Market
from tests.functions.payment_server import OWNER
from tests.functions.situations import due

ENTER = "select finance.enter_adjustment(%s, %s, %s)"


APPROVE = "select finance.approve_adjustment(%s)"


ENTER_FILE = "select finance.enter_adjustments(%s, %s)"


APPROVE_FILE = "select * from finance.approve_adjustments(%s)"


@pytest.fixture
def market() -> Iterator[Market]:
    """A window that is closed, approved and due."""
    with due() as market:
        yield market


def test_an_adjustment_takes_two_people(market: Market) -> None:
    first = market.value("ana", ENTER, "s1", -500, "a fee without an order")
    assert market.refusal("ana", APPROVE, first) == (
        f"ana entered adjustment {first}: somebody else must approve it"
    )
    market.value("ben", APPROVE, first)
    [row] = market.rows("dora", "select * from finance.adjustments")
    assert (row["entered_by"], row["approved_by"], row["amount_minor"]) == ("ana", "ben", -500)
    assert (row["entered_at"], row["approved_at"]) == (DUE, DUE)
    assert market.refusal("cem", APPROVE, first) == f"adjustment {first} was approved by ben before"
    assert market.refusal("cem", "select finance.withdraw_adjustment(%s)", first) == (
        f"adjustment {first} is not open: see settle adjust list"
    )


def test_who_is_gone_from_the_marketplace_is_decided_about(market: Market) -> None:
    """Their balance is still owed: a write-off, a correction, a hold."""
    market.rows(OWNER, "delete from marketplace.sellers where seller_id = 's1'")
    entered = market.value("ana", ENTER, "s1", -500, "written off")
    assert market.value("ben", APPROVE, entered)
    file = json.dumps([{"line": 2, "seller_id": "s1", "amount": "-1.00", "reason": "the rest"}])
    assert market.value("ana", ENTER_FILE, file, "left us")
    assert market.value("ana", "select finance.hold_seller('s1', 'left us')")


def test_a_withdrawn_adjustment_is_gone(market: Market) -> None:
    entered = market.value("ana", ENTER, "s1", 500, "goodwill")
    market.rows("ana", "select finance.withdraw_adjustment(%s)", entered)
    assert market.refusal("ben", APPROVE, entered) == (
        f"adjustment {entered} was withdrawn by ana: enter it again"
    )


def test_what_an_adjustment_cannot_be(market: Market) -> None:
    assert market.refusal("ana", ENTER, "nobody", 1, "x") == (
        "seller nobody is not known: nothing was entered"
    )
    assert "adjustments_amount_minor_check" in market.refusal("ana", ENTER, "s1", 0, "x")
    assert "adjustments_reason_check" in market.refusal("ana", ENTER, "s1", 1, "")
    large = market.value("ana", ENTER, "s1", 25_000_001, "a typing error")
    assert market.refusal("ben", APPROVE, large) == (
        f"adjustment {large} of 250000.01 is above the limit of one line (250000.00):"
        " raise the limit first"
    )
    assert market.refusal("ben", APPROVE, 99) == "there is no adjustment 99: see settle adjust list"


def test_no_adjustment_falls_into_a_window_that_is_stored(market: Market) -> None:
    entered = market.value("ana", ENTER, "s1", 500, "goodwill")
    market.at(CLOSE - timedelta(minutes=16))
    assert market.refusal("ben", APPROVE, entered) == (
        f"a window was closed while adjustment {entered} waited: approve it again"
    )


def test_a_build_that_missed_an_adjustment_is_not_stored(market: Market) -> None:
    market.value("ben", APPROVE, market.value("ana", ENTER, "s1", 500, "goodwill"))
    market.at(CLOSE + WEEK)
    market.build(*LINES, weeks=1)
    assert market.refused_store("2026-W48") == (
        "an adjustment of seller s1 was approved while 2026-W48 was computed: nothing was stored,"
        " build again"
    )


def file_of(*rows: tuple[str, str, str, str]) -> str:
    """Rows of seller, amount, type and reason, as they stand in a file below its header."""
    columns = ("seller_id", "amount", "type", "reason")
    found = [
        {"line": n} | dict(zip(columns, row, strict=True)) for n, row in enumerate(rows, start=2)
    ]
    return json.dumps(found)


def test_an_adjustment_has_a_type(market: Market) -> None:
    market.value("ana", ENTER, "s1", 500, "as before")
    typed = "select finance.enter_adjustment('s1', 500, 'x', %s)"
    types = FIELDS["adjustment-type"].choices
    for kind in types:
        market.value("ana", typed, kind)
    market.value("ana", ENTER_FILE, file_of(*(("s1", "5", kind, "y") for kind in types)), "")
    found = market.rows(
        "dora", "select adjustment_type from finance.adjustments order by adjustment_id"
    )
    assert [row["adjustment_type"] for row in found] == ["other", *types, *types]
    assert "adjustments_adjustment_type_check" in market.refusal("ana", typed, "gift")


def test_a_file_of_adjustments_is_one_decision(market: Market) -> None:
    rows = file_of(
        ("s1", "12.50", "goodwill", "late parcel"),
        ("s1", "12.50", "goodwill", "lost parcel"),
        ("s2", "-3", "", ""),
    )
    number = market.value("ana", ENTER_FILE, rows, "november")
    columns = "seller_id, amount_minor, adjustment_type, reason, approved_by, file_id"
    query = f"select {columns} from finance.adjustments order by adjustment_id"
    assert [tuple(row.values()) for row in market.rows("dora", query)] == [
        ("s1", 1250, "goodwill", "late parcel", None, number),
        ("s1", 1250, "goodwill", "lost parcel", None, number),
        ("s2", -300, "other", "november", None, number),
    ]
    assert market.refusal("ana", APPROVE_FILE, number) == (
        f"ana entered adjustment 1: somebody else must approve it (file {number}: nothing of it"
        " was approved)"
    )
    market.rows("ben", APPROVE, 2)
    assert market.rows("ben", APPROVE_FILE, number) == [{"row_count": 2, "amount_minor": 950}]
    decided = market.rows(
        "dora", "select distinct approved_by, approved_at from finance.adjustments"
    )
    assert decided == [{"approved_by": "ben", "approved_at": DUE}]
    nothing = f"file {number} has no adjustment that waits: see settle adjust list"
    for query in (APPROVE_FILE, "select finance.withdraw_adjustments(%s)"):
        assert market.refusal("cem", query, number) == nothing


def test_one_obstacle_stops_the_approval_of_a_file(market: Market) -> None:
    rows = file_of(("s1", "1", "other", "x"), ("s2", "250000.01", "other", "a typing error"))
    number = market.value("ana", ENTER_FILE, rows, "")
    assert market.refusal("ben", APPROVE_FILE, number) == (
        "adjustment 2 of 250000.01 is above the limit of one line (250000.00): raise the limit"
        f" first (file {number}: nothing of it was approved)"
    )
    market.rows("ben", "select finance.withdraw_adjustment(2)")
    assert market.rows("ben", APPROVE_FILE, number) == [{"row_count": 1, "amount_minor": 100}]
    other = market.value("ana", ENTER_FILE, file_of(("s1", "1", "other", "y")), "")
    assert market.value("cem", "select finance.withdraw_adjustments(%s)", other) == 1


def test_a_file_that_was_entered_before_is_not_entered_again(market: Market) -> None:
    """Two uploads of one file look like two files, and both were approved."""
    rows = file_of(("s1", "12.50", "goodwill", "late parcel"), ("s2", "3", "", ""))
    assert market.value("ana", ENTER_FILE, rows, "november") == 1
    same = "is the same as adjustment {} of file 1, which ana entered on 2026-11-24: withdraw that"
    for _ in ("while it waits", "once it is approved"):
        with pytest.raises(psycopg.errors.RaiseException) as error:
            market.value("cem", ENTER_FILE, rows, "november")
        assert error.value.diag.message_detail == "\n".join(
            f"line {line}: {same.format(line - 1)} one, or give this its own reason"
            for line in (2, 3)
        )
        if market.value("dora", "select count(approved_at) from finance.adjustments") == 0:
            market.rows("ben", APPROVE_FILE, 1)
    assert market.value("ana", ENTER_FILE, file_of(("s2", "3", "", "")), "december") == 2
    market.rows("ana", "select finance.withdraw_adjustments(2)")
    assert market.value("ana", ENTER_FILE, file_of(("s2", "3", "", "")), "december") == 3


def test_a_form_that_was_sent_twice_enters_one_adjustment(market: Market) -> None:
    connections = [market.connect("ana") for _ in range(4)]

    def enter(connection: psycopg.Connection[Any]) -> str:
        try:
            connection.execute(ENTER.encode(), ["s1", 500, "goodwill"])
        except psycopg.errors.RaiseException as error:
            return str(error.diag.message_primary)
        return ""

    with ThreadPoolExecutor(len(connections)) as pool:
        said = sorted(pool.map(enter, connections))
    for connection in connections:
        connection.close()
    assert said == ["", *[
        "the adjustment of seller s1 is the same as adjustment 1, which ana entered on 2026-11-24:"
        " withdraw that one, or give this its own reason"
    ] * 3]  # fmt: skip
    market.rows("ben", APPROVE, 1)
    assert market.value("ana", ENTER, "s1", 500, "goodwill") == 2  # the next week's


def test_a_file_is_approved_as_it_was_entered(market: Market) -> None:
    """Who entered 1,000 and -1,000 took the latter out, once somebody had looked at the file."""
    rows = file_of(("s1", "1000", "other", "x"), ("s2", "-1000", "other", "x"))
    number = market.value("ana", ENTER_FILE, rows, "")
    market.rows("ana", "select finance.withdraw_adjustment(2)")
    assert market.refusal("ben", APPROVE_FILE, number) == (
        f"ana withdrew a part of file {number}, which is not what was entered any more: nothing of"
        " it was approved; approve its rows one by one, or withdraw it and enter it again"
    )
    market.rows("ben", APPROVE, 1)


def test_a_file_of_adjustments_falls_into_no_window_that_is_stored(market: Market) -> None:
    number = market.value("ana", ENTER_FILE, file_of(("s1", "1", "other", "x")), "")
    market.at(CLOSE - timedelta(minutes=16))
    assert market.refusal("ben", APPROVE_FILE, number).startswith(
        "a window was closed while adjustment 1 waited: approve it again"
    )


def test_each_bad_row_of_a_file_is_named_and_nothing_is_entered(market: Market) -> None:
    rows = file_of(
        ("s1", "1.00", "goodwill", "x"),
        ("s1", "1.00", "goodwill", "x"),
        ("nobody", "1.00", "goodwill", "x"),
        ("s1", "1.001", "gift", "x"),
        ("s2", "0", "other", "x"),
        ("s2", "2.00", "other", " "),
    )
    assert market.faults("ana", ENTER_FILE, rows, "") == [
        "line 3: is the same as line 2; keep one, or give each its own reason",
        "line 4: seller_id: no such seller is known; load the seller first, or fix the id",
        "line 5: amount: has more than two decimals; round it or fix the export",
        "line 5: type: is not one of goodwill, correction, write_off, other",
        "line 6: amount: is 0, which changes nothing; leave the row out",
        "line 7: reason: is empty; fill it in, or give the whole file a note",
    ]
    many = file_of(*[("nobody", "1.00", "other", "x")] * 60)
    said = market.refusal("ana", ENTER_FILE, many, "")
    assert said.startswith("119 rows of the file cannot be taken (the first 50 are listed):")
    assert market.rows("dora", "select from finance.adjustments") == []

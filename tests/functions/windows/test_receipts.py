"""Which windows a line pays: they sum to it, whatever was held, came back or was paid after all."""

import json
from datetime import timedelta

import pytest

from tests.functions.market import CLOSE, DUE, WEEK, Line, Market
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.rail_events import concluded
from tests.functions.situations import FREEZE

W47, W48, W49 = "2026-W47", "2026-W48", "2026-W49"
HOUR = timedelta(hours=1)


def week(market: Market, number: int, net_minor: int, *holds: str) -> None:
    """Close the window W47 + number with this net for s1, approve, and move to its Tuesday."""
    others = Line("s2", 500 * (number + 1) if holds else 500, "SPL")
    market.close(Line("s1", net_minor, holds=holds), others, weeks=number)
    market.approve("ana", window=f"2026-W{47 + number}")
    market.at(DUE + number * WEEK)


def receipt(market: Market, window: str, seller: str = "s1") -> dict[str, tuple[int, int]]:
    """The windows that the latest line of a seller pays: entries and what was retaken.

    What its items say of each window is the same.
    """
    rows = market.rows(
        "dora",
        "select w.*, i.* from finance.line_windows as w"
        " inner join finance.payout_lines as l on w.line_id = l.line_id"
        " cross join lateral ("
        "   select coalesce(sum(i.amount_minor) filter (where not i.is_retaken), 0) as entries,"
        "     coalesce(sum(i.amount_minor) filter (where i.is_retaken), 0) as retaken"
        "   from (select *, entry_type = 'completed_after_all' as is_retaken"
        "     from finance.receipt_items) as i"
        "   where i.line_id = w.line_id and i.entry_window = w.payout_window"
        " ) as i"
        " where l.payout_window = %s and l.seller_id = %s and l.state <> 'rejected'",
        window,
        seller,
    )
    found = {row["payout_window"]: (row["entries_minor"], row["retaken_minor"]) for row in rows}
    assert {row["payout_window"]: (row["entries"], row["retaken"]) for row in rows} == found
    return found


def record(market: Market, status: str, source: str, window: str = W47) -> str:
    """What the rail says of s1's payout of a window."""
    [line] = market.rows(
        "dora",
        "select * from finance.payout_lines where payout_window = %s and seller_id = 's1'",
        window,
    )
    shown = {
        "id": f"payout-{line['line_id']}",
        "status": status,
        "amount": f"{line['amount_minor'] / 100:.6f}",
        "currency": line["rail_currency"],
        "destination": line["wallet_address"],
        "environment": "test",
        "metadata": {"line_id": line["line_id"]},
    }
    query = "select finance.record_payout(%s::jsonb, %s)"
    return str(market.value(OWNER, query, json.dumps(shown), source))


def test_a_line_pays_its_window(market: Market) -> None:
    week(market, 0, 1000)
    market.freeze(W47)
    assert receipt(market, W47) == {W47: (1000, 0)}


def test_a_line_pays_what_was_held_before(market: Market) -> None:
    week(market, 0, 1000, "manual_review")
    market.freeze(W47)
    week(market, 1, 1500)
    market.freeze(W48)
    assert receipt(market, W48) == {W47: (1000, 0), W48: (500, 0)}
    assert receipt(market, W48, "s2") == {W48: (500, 0)}


def test_a_line_pays_less_for_what_was_owed_before(market: Market) -> None:
    week(market, 0, -300, "negative_balance")
    week(market, 1, 700)
    market.freeze(W48)
    assert receipt(market, W48) == {W47: (-300, 0), W48: (1000, 0)}


def test_an_orders_id_is_its_sellers_own(market: Market) -> None:
    market.at(CLOSE)
    market.build(Line("s1", 1000), Line("s2", 700, "SPL"))
    market.rows(OWNER, "update settlement_core.int_entries set source_id = 'o', order_id = 'o'")
    assert market.store(W47)
    market.ledgers_read()
    market.approve("ana", window=W47)
    market.at(DUE)
    market.freeze(W47)
    for seller, amount in (("s1", "10.00"), ("s2", "7.00")):
        found = market.value("dora", "select finance.receipt(%s, %s)", W47, seller)
        assert found["by_type"] == [{"entry_type": "order", "count": 1, "amount": amount}]
        [[item]] = [window["items"] for window in found["windows"]]
        assert (item["order_id"], item["amount"]) == ("o", amount)


def go_live(market: Market, **balances: str) -> None:
    """With W47, and these opening balances."""
    market.at(CLOSE)
    market.build(Line("s1", 0))
    market.hand_over()
    rows = [
        {"line": 2, "seller_id": seller, "amount": amount} for seller, amount in balances.items()
    ]
    number = market.value(
        "ana",
        "select finance.propose_go_live(%s, %s, 'the old system ends')",
        W47,
        json.dumps(rows),
    )
    market.rows("ben", "select finance.approve_go_live(%s)", number)


def test_a_line_pays_what_the_old_system_still_owed(market: Market) -> None:
    go_live(market, s1="45.10")
    week(market, 0, 5000)
    market.freeze(W47)
    assert receipt(market, W47) == {W47: (5000, 0)}
    document = market.value("dora", "select finance.receipt(%s, 's1')", W47)
    [window] = document["windows"]
    assert [(item["entry_type"], item["amount"]) for item in window["items"]] == [
        ("order", "4.90"),
        ("opening_balance", "45.10"),
    ]
    assert document["total"] == document["amount"] == "50.00"


def test_a_line_pays_less_for_what_was_owed_to_the_old_system(market: Market) -> None:
    go_live(market, s1="-3.00")
    week(market, 0, -300, "negative_balance")
    week(market, 1, 700)
    market.freeze(W48)
    assert receipt(market, W48) == {W47: (-300, 0), W48: (1000, 0)}


def test_what_came_back_is_paid_by_the_next_line(market: Market) -> None:
    week(market, 0, 1000)
    market.freeze(W47)
    record(market, "failed", "webhook")
    assert record(market, "failed", "lookup") == "returned"
    week(market, 1, 1400)
    market.freeze(W48)
    assert receipt(market, W48) == {W47: (1000, 0), W48: (400, 0)}


def test_what_came_back_after_the_windows_end_waits_for_the_one_after(market: Market) -> None:
    """Between the close and the freeze: the stored row does not have it, so the line must not."""
    week(market, 0, 1000)
    market.freeze(W47)
    week(market, 1, 400)
    assert record(market, "failed", "lookup") == "returned"
    market.freeze(W48)
    assert receipt(market, W48) == {W48: (400, 0)}
    week(market, 2, 1600)
    market.freeze(W49)
    assert receipt(market, W49) == {W47: (1000, 0), W49: (600, 0)}


def test_what_completed_after_all_comes_off_the_line_of_its_window(market: Market) -> None:
    week(market, 0, 1000)
    market.freeze(W47)
    record(market, "failed", "lookup")
    week(market, 1, 1400)
    market.freeze(W48)
    market.at(CLOSE + WEEK + 2 * HOUR)
    assert record(market, "completed", "webhook") == "completed"
    week(market, 2, 2500)
    market.freeze(W49)
    assert receipt(market, W48) == {W47: (1000, 0), W48: (400, 0)}
    assert receipt(market, W49) == {W49: (3500, -1000)}


def test_a_second_attempt_pays_what_the_rejected_one_did(market: Market) -> None:
    week(market, 0, 1000)
    batch = market.freeze(W47)
    concluded(market, 500, "")
    for person in ("ben", "cem"):
        market.rows(person, "select finance.declare_rejected(%s, 'not there')", W47)
    assert market.value("dora", "select message from finance.alerts where kind = 'rejected'") == (
        "two people have asked the rail and say that it does not have the batch of 2026-W47:"
        " not there"
    )
    market.approve("ana", window=W47)
    assert market.freeze(W47) != batch
    assert receipt(market, W47) == {W47: (1000, 0)}


def test_no_window_is_paid_by_two_lines_that_stand(market: Market) -> None:
    week(market, 0, 1000)
    market.freeze(W47)
    week(market, 1, 400)
    market.freeze(W48)
    said = market.refusal(
        OWNER,
        "insert into finance.line_windows (line_id, payout_window, seller_id, entries_minor,"
        " retaken_minor) select line_id, '2026-W47', 's1', 0, 0 from finance.payout_lines"
        " where payout_window = '2026-W48' and seller_id = 's1'",
    )
    assert "line_windows_one_standing" in said


@pytest.mark.parametrize(
    ("tampered", "said"),
    [
        (
            "window_close_rows set gross_minor = gross_minor + 1, carried_forward_minor ="
            " carried_forward_minor - 1",
            "the line of seller s1 in 2026-W48 is not the sum of its receipt: nothing was frozen;"
            " hold the seller, pay the others and have the difference looked at",
        ),
        (
            "window_close_entries set amount_minor = amount_minor + 1",
            "the stored entries of seller s1 do not sum to the stored rows that 2026-W48 pays:"
            " nothing was frozen, call the owner of the database",
        ),
    ],
)
def test_a_line_that_nothing_explains_is_not_frozen(
    market: Market, tampered: str, said: str
) -> None:
    """Somebody with every right has changed evidence: no money moves on it."""
    week(market, 0, 1000)
    market.freeze(W47)
    week(market, 1, 400)
    market.rows(OWNER, "set session_replication_role = replica")
    market.rows(
        OWNER,
        f"update finance.{tampered} where seller_id = 's1' and payout_window = '2026-W48'",
    )
    market.rows(OWNER, "reset session_replication_role")
    assert market.refusal(ORCHESTRATOR, FREEZE, W48) == said

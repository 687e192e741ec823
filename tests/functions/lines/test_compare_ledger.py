"""The rail's ledger beside our lines: what differs is a break, until it agrees."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.functions.market import DUE, LINES, Market
from tests.functions.payment_server import ORCHESTRATOR
from tests.functions.rail_events import COMPLETED, payout, receive, take


def ledger(market: Market, entry: str, kind: str, amount: str, payout_id: str) -> None:
    """A row of the rail's ledger, read a day after the payout."""
    market.at(DUE + timedelta(days=1))
    row = {"id": entry, "type": kind, "amount": amount, "payout_id": payout_id}
    page = json.dumps({"data": [row | {"created_at": "2026-11-25T08:00:00Z"}]}).encode()
    market.value(ORCHESTRATOR, "select finance.store_ledger('USDT_TRC20', %s)", [page])


@pytest.fixture
def paid() -> Iterator[Market]:
    """One line, completed for 123.45 at a fee of 1.25."""
    with Market.open() as market:
        market.approved(LINES[0])
        market.freeze()
        market.rows(ORCHESTRATOR, "select finance.begin_attempt(1, 1)")
        take(market, "answer")
        receive(market, "payout.completed", **COMPLETED, fee_amount="0")
        yield market


def compared(market: Market) -> list[tuple[str, str]]:
    market.value(ORCHESTRATOR, "select finance.compare_books()")
    found = market.rows("dora", "select * from finance.breaks where closed_at is null order by 2")
    return [(row["kind"], row["detail"]) for row in found]


def test_books_that_agree(paid: Market) -> None:
    ledger(paid, "1", "payout", "-123.45", payout(paid)["id"])
    ledger(paid, "2", "fee", "-1.25", payout(paid)["id"])
    ledger(paid, "3", "deposit", "1000", "")
    assert compared(paid) == []


def test_a_payout_missing_in_the_ledger_and_there_later(paid: Market) -> None:
    ledger(paid, "3", "deposit", "1000", "")
    missing = f"payout {payout(paid)['id']} of seller s1 completed, and the ledger of USDT_TRC20"
    assert compared(paid) == [("not_in_ledger", f"{missing} does not have it")]
    assert compared(paid) == compared(paid)
    assert paid.kinds("alerts") == ["break"]
    ledger(paid, "1", "payout", "-123.45", payout(paid)["id"])
    ledger(paid, "2", "fee", "-1.25", payout(paid)["id"])
    assert compared(paid) == []
    [closed] = paid.rows("dora", "select closed_by, close_note from finance.breaks")
    assert tuple(closed.values()) == ("an outcome", "the books agree again")


def test_other_amounts_fees_and_payouts_in_the_ledger(paid: Market) -> None:
    shown = payout(paid)["id"]
    ledger(paid, "1", "payout", "-123.46", shown)
    ledger(paid, "2", "fee", "-1.26", shown)
    ledger(paid, "3", "payout", "-5", "not-ours")
    assert dict(compared(paid)) == {
        "ledger_amount": f"payout {shown} of seller s1 is 123.46 by the ledger and 123.45 by its"
        " line",
        "ledger_fee": f"payout {shown} of seller s1 cost 1.26 by the ledger and 1.250000 by the"
        " payout itself",
        "ledger_without_line": "the ledger of USDT_TRC20 has paid 5 as payout not-ours, that no"
        " line of ours asked for",
    }

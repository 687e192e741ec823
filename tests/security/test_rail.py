"""What a rail can say to harm us: each thing has one outcome, and nobody is stuck."""

import json
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.functions.market import CLOSE, DUE, LINES, NEXT_WINDOW, WEEK, Market
from tests.functions.payment_server import ORCHESTRATOR
from tests.functions.rail_events import concluded, payout, receive

FUNDING = "select expected_fees, missing from finance.funding(%s)"
KNOWS = "select finance.ledger_knows('USDT_TRC20', %s)"
LEDGER = "select finance.store_ledger('USDT_TRC20', array[%b]::bytea[])"


@pytest.fixture
def market() -> Iterator[Market]:
    """Three lines, frozen and not sent."""
    with Market.open() as market:
        market.approved(*LINES)
        market.freeze()
        yield market


@pytest.mark.parametrize("fee", ["NaN", "Infinity", "-Infinity", "-1", "1e400", "free"])
@pytest.mark.parametrize("name", ["network_fee", "fee_amount"])
def test_a_fee_that_is_no_amount_is_left_out_and_told(market: Market, name: str, fee: str) -> None:
    """With NaN among the fees of four weeks nothing was ever funded enough, for four weeks."""
    receive(market, "payout.completed", **{name: fee})
    receive(market, "payout.completed", **{name: fee}, more="again")
    assert market.lines(f"state, {name}", "l.seller_id = 's2'") == [("completed", None)]
    assert market.kinds("alerts") == ["unreadable_fee"]
    market.close(LINES[2], weeks=1)
    [need] = market.rows("dora", FUNDING, NEXT_WINDOW)
    assert (need["expected_fees"], need["missing"]) == (Decimal(0), Decimal("0.07"))


def test_one_id_for_two_payouts_is_a_break_and_the_batch_goes_on(market: Market) -> None:
    """The batch could be concluded at no try, ever: the id was to be that of two lines."""
    shown = [
        {k: v for k, v in row.items() if k != "metadata"} | {"id": "same" if n < 2 else "own"}
        for n, row in enumerate(all_payouts(market))
    ]
    body = json.dumps({"data": {"id": "batch-1", "payouts": shown}})
    assert concluded(market, 201, body)["batch_state"] == "accepted"
    assert market.lines("payout_id, state") == [
        *((None, "frozen"), (None, "frozen")),
        ("own", "submitted"),
    ]
    assert market.kinds("breaks") == ["missing_payouts", "repeated_payout_id"]
    assert market.kinds("alerts") == ["break", "break"]


def test_an_id_of_an_earlier_payout_is_a_break(market: Market) -> None:
    shown = all_payouts(market)
    concluded(market, 201, json.dumps({"data": {"id": "batch-1", "payouts": shown}}))
    market.close(LINES[0], weeks=1)
    market.approve("ana", window=NEXT_WINDOW)
    market.at(DUE + WEEK)
    batch = market.freeze(NEXT_WINDOW)
    body = {"data": {"id": "batch-2", "payouts": [payout(market, id=shown[1]["id"])]}}
    row = concluded(market, 201, json.dumps(body), batch=batch)
    assert row["batch_state"] == "accepted"
    assert market.kinds("breaks") == ["missing_payouts"]


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "much", None])
def test_a_row_of_the_ledger_that_is_no_amount_is_a_break(market: Market, amount: str) -> None:
    """The ledger was read to there, and never again."""
    rows = [
        {"id": "e1", "type": "payout", "amount": amount, "created_at": CLOSE.isoformat()},
        {"id": "e2", "type": "deposit", "amount": "5", "created_at": CLOSE.isoformat()},
    ]
    page = json.dumps({"data": rows}).encode()
    assert market.value(ORCHESTRATOR, LEDGER, page) == 1
    assert market.value(ORCHESTRATOR, LEDGER, page) == 0
    assert market.kinds("breaks") == ["unreadable_ledger_entry"]


def test_a_row_of_the_ledger_without_an_instant_or_an_id_stops_nothing(market: Market) -> None:
    """Each read of the ledger met it again, and ended there."""
    said = {"type": "payout", "amount": "-5", "created_at": CLOSE.isoformat()}
    odd = [{"id": f"e{n}", "created_at": at} for n, at in enumerate(["soon", "infinity", None, 7])]
    page = json.dumps({"data": [*(said | row for row in odd), said, said | {"id": ""}]}).encode()
    assert market.value(ORCHESTRATOR, KNOWS, page) is False
    for new in (4, 0):
        assert market.value(ORCHESTRATOR, LEDGER, page) == new
    read_at = "select bool_and(created_at = settle_now()) from halfin.ledger_entries"
    assert market.value("dora", read_at) is True
    newer = json.dumps({"data": [said | {"id": "e9", "created_at": "2027-01-01T00:00:00Z"}]})
    market.value(ORCHESTRATOR, LEDGER, newer.encode())
    assert market.value(ORCHESTRATOR, KNOWS, page) is True
    assert market.kinds("breaks") == ["unreadable_ledger_entry"]


def all_payouts(market: Market) -> list[dict[str, object]]:
    """Every line as the rail would show it."""
    lines = market.rows("dora", "select * from finance.payout_lines order by seller_id")
    return [
        payout(market)
        | {
            "id": f"payout-{line['line_id']}",
            "currency": line["rail_currency"],
            "amount": f"{line['amount_minor'] / 100:.6f}",
            "destination": line["wallet_address"],
            "idempotency_key": line["idempotency_key"],
            "metadata": {"line_id": line["line_id"]},
        }
        for line in lines
    ]

"""Before anything is frozen or sent: we say what the rail would refuse, and it costs nothing."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from starlette.responses import Response

from orchestrator.errors import SettleError
from orchestrator.settlement.reconcile import reconcile
from tests.functions.market import DUE, LINES, WEEK, WINDOW, Market, odd_rail, rail
from tests.functions.payment_server import OWNER
from tests.functions.situations import due
from tests.halfin.sandbox import KEY

FEES = "update handover.expected_fees set network_fee = %s, fee_rate = %s"


@pytest.fixture
def market() -> Iterator[Market]:
    """A window that is closed, approved and due; s1 gets 123.45 over TRC-20."""
    with due(LINES[0]) as market:
        yield market


def refused(market: Market, url: str, key: str = KEY) -> str:
    with pytest.raises(SettleError) as error:
        market.pay(url, key=key)
    assert market.state() == []
    return str(error.value)


def test_balances_must_cover_the_total_and_the_expected_fees(market: Market) -> None:
    market.rows(OWNER, FEES, Decimal(1), Decimal("0.001"))  # 1.00 and 0.12345 for s1
    with rail(opening_balance=Decimal("124.57344")) as url:
        assert refused(market, url) == (
            "the rail would refuse the batch of 2026-W47: USDT_TRC20 needs 123.45 and about 1.12"
            " in fees, and the rail has 124.57: fund it; nothing was sent, run settle pay 2026-W47"
            " again"
        )
    with rail(opening_balance=Decimal("124.57345")) as url:
        assert market.pay(url).state == "accepted"


def test_what_is_funded_is_what_the_rail_last_said(market: Market) -> None:
    market.rows(OWNER, FEES, Decimal(1), Decimal("0.001"))
    funding = (
        "select rail_currency, line_count, needed, expected_fees, available, missing,"
        f" read_at = settle_now() as is_now from finance.funding('{WINDOW}')"
    )
    need = {"rail_currency": "USDT_TRC20", "line_count": 1, "needed": Decimal("123.45")}
    need["expected_fees"] = Decimal("1.12")
    # 123.45 + 1.12345, up to the next cent.
    never = {"available": None, "missing": Decimal("124.58"), "is_now": None}
    assert market.rows("ana", funding) == [need | never]
    with rail(opening_balance=Decimal("100")) as url:
        refused(market, url)
    short = {"available": Decimal(100), "missing": Decimal("24.58"), "is_now": True}
    assert market.rows("ana", funding) == [need | short]
    market.at(DUE + WEEK)
    with rail(opening_balance=Decimal("200")) as url:
        reconcile(market.at_rail(url))
    funded = {"available": Decimal(200), "missing": Decimal(0), "is_now": True}
    assert market.rows("ana", funding) == [need | funded]


def test_what_payouts_cost_lately_counts_where_it_is_more(market: Market) -> None:
    with rail() as url:
        market.pay(url)
    market.rows(OWNER, "set role settle_owner")
    market.rows(
        OWNER,
        "update finance.payout_lines set state = 'completed', outcome_at = settle_now(),"
        " network_fee = 7, fee_amount = 0.5",
    )
    market.rows(OWNER, "reset role")
    market.close(LINES[0], weeks=1)
    market.approve("ana", window="2026-W48")
    market.at(DUE + WEEK)
    with rail(opening_balance=Decimal("130.94")) as url, pytest.raises(SettleError) as error:
        market.pay(url, "2026-W48")
    assert "USDT_TRC20 needs 123.45 and about 7.50 in fees" in str(error.value)


def test_a_currency_that_the_rail_does_not_know(market: Market) -> None:
    market.rows(OWNER, "set session_replication_role = replica")
    market.rows(OWNER, "update finance.window_close_rows set rail_currency = 'USDT_TRON'")
    market.rows(OWNER, "update finance.approval_lines set rail_currency = 'USDT_TRON'")
    market.rows(OWNER, "reset session_replication_role")
    market.rows(OWNER, "update handover.expected_fees set currency_code = 'USDT_TRON'")
    with rail() as url:
        assert refused(market, url).startswith(
            "the rail would refuse the batch of 2026-W47: the rail does not know currency"
            " USDT_TRON; USDT_TRON needs 123.45 and about 0.00 in fees, and the rail has no balance"
        )


def test_a_key_of_another_environment(market: Market) -> None:
    with rail() as url:
        assert refused(market, url, "sk_live_" + "0a" * 32).startswith(
            "HALFIN_API_KEY is a live key while SETTLE_ENV is development: set a test key"
        )


@pytest.mark.parametrize("content", [b'{"data": {}}', b'{"data": [1, {"code": 2}]}', b"[]", b"{}"])
def test_a_rail_that_talks_nonsense_is_paid_nothing(market: Market, content: bytes) -> None:
    with rail() as url, odd_rail(url, lambda request, body: Response(content), "GET") as odd:
        said = refused(market, odd)
        assert said.endswith("nothing was sent, run settle pay 2026-W47 again later") or (
            "does not know currency" in said
        )
        assert WINDOW in said

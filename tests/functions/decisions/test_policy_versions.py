"""A policy never reaches back: what a close used stays, and further rows begin after it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.functions.market import CLOSE, LINES, NEXT_WINDOW, STORE, WEEK, WINDOW, Line, Market
from tests.functions.payment_server import DBT, ORCHESTRATOR, OWNER

HAND_OVER = "select finance.hand_over()"
POLICY = "insert into settlement_seeds.reserve_policies values (%s, %s, 7, 25, 30)"
NEW_SELLERS = "insert into settlement_seeds.new_seller_policies values (%s, 'elevated', 30)"
LONG_AGO = "1970-01-01Z"


@pytest.fixture
def market() -> Iterator[Market]:
    """A week is closed under two policies, and nothing special holds for new sellers."""
    with Market.open() as market:
        for policy in ("standard", "elevated"):
            market.rows(OWNER, POLICY, policy, LONG_AGO)
        market.rows(
            OWNER,
            "insert into settlement_seeds.new_seller_policies values (%s, 'elevated', 0)",
            LONG_AGO,
        )
        market.close()
        yield market


def reaches_back(row: str, seed: str, instant: datetime) -> str:
    return (
        f"the row {row} of {text(instant)} in seeds/{seed}.csv would reach back: {WINDOW} was"
        f" closed at {text(CLOSE)} without it; give it a later valid_from"
    )


def text(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}+00"


@pytest.mark.parametrize(
    "change",
    [
        "update settlement_seeds.reserve_policies set reserve_days = 14 where policy = 'standard'",
        "update settlement_seeds.reserve_policies set valid_from = '1971-01-01Z'"
        " where policy = 'standard'",
        "delete from settlement_seeds.reserve_policies where policy = 'standard'",
    ],
)
def test_what_a_close_used_is_not_changed(market: Market, change: str) -> None:
    market.rows(OWNER, change)
    market.rows(DBT, "set role settle_dbt")
    assert market.refusal(DBT, HAND_OVER) == (
        "the row standard of 1970-01-01 00:00:00+00 in seeds/reserve_policies.csv is not as the"
        f" close of {WINDOW} used it: put it back, and add a row with a later valid_from"
    )


def test_a_further_row_begins_after_the_latest_close(market: Market) -> None:
    market.rows(OWNER, POLICY, "elevated", CLOSE)
    market.rows(DBT, "set role settle_dbt")
    assert market.refusal(DBT, HAND_OVER) == reaches_back("elevated", "reserve_policies", CLOSE)
    market.rows(
        OWNER,
        "update settlement_seeds.reserve_policies set valid_from = %s where valid_from = %s",
        *(CLOSE + timedelta(microseconds=1), CLOSE),
    )
    market.hand_over()
    market.rows(OWNER, NEW_SELLERS, CLOSE - WEEK)
    assert market.refusal(DBT, HAND_OVER) == (
        reaches_back("new sellers", "new_seller_policies", CLOSE - WEEK)
    )


def test_a_name_that_no_close_knew_may_be_valid_since_ever(market: Market) -> None:
    """Nobody can have been under it."""
    market.rows(OWNER, POLICY, "strict", LONG_AGO)
    market.hand_over()
    market.close(weeks=1)
    market.rows(OWNER, "delete from settlement_seeds.reserve_policies where policy = 'strict'")
    assert "is not as the close of 2026-W48 used it" in market.refusal(DBT, HAND_OVER)


def test_a_row_that_is_planned_can_be_changed_until_it_begins(market: Market) -> None:
    soon = CLOSE + timedelta(days=9)
    market.rows(OWNER, NEW_SELLERS, soon)
    market.close(*(Line(line.seller, 2 * line.net_minor, line.rail) for line in LINES), weeks=1)
    market.rows(
        OWNER, "delete from settlement_seeds.new_seller_policies where valid_from = %s", soon
    )
    market.hand_over()
    kept = market.rows("dora", "select distinct payout_window from finance.policy_versions")
    assert kept == [{"payout_window": WINDOW}]


def test_a_close_looks_itself_and_keeps_what_it_used(market: Market) -> None:
    """Whoever may change models may write into the handover."""
    market.at(CLOSE + WEEK)
    market.build(*LINES, weeks=1)
    market.hand_over()
    market.rows(
        DBT,
        "insert into handover.policy_rows values ('new_seller_policies', 'new sellers', %s, '{}')",
        CLOSE - WEEK,
    )
    assert market.refusal(ORCHESTRATOR, STORE, NEXT_WINDOW) == (
        reaches_back("new sellers", "new_seller_policies", CLOSE - WEEK)
    )
    for change in (
        "update finance.policy_versions set terms = '{}'",
        "delete from finance.policy_versions",
    ):
        assert "finance.policy_versions" in market.refusal(OWNER, change)

"""A closing that is taken out again is noticed: the tests of the closings can fail.

The mistake is planted in the function as Postgres has it; then the closing's own test must fail.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import psycopg
import pytest

from orchestrator.config import Component
from orchestrator.database import connection
from tests.functions.batches import test_stop
from tests.functions.lines import test_late_outcomes
from tests.functions.market import Market
from tests.functions.payment_server import OWNER
from tests.functions.rail_events import BEGIN, LINE
from tests.functions.rights import test_grants
from tests.security import (
    test_code_in_models,
    test_forged,
    test_hostile_schemas,
    test_nested_decisions,
    test_search_paths,
)
from tests.support.settings import SettleHome


class Mistake(NamedTuple):
    """One line that somebody would forget, and what is to notice."""

    function: str
    rule: str
    instead: str
    prepare: Callable[[Market], Any]
    test: Callable[..., None]
    values: tuple[Any, ...] = ()


def approved(market: Market) -> None:
    market.approved()


def frozen(market: Market) -> None:
    market.approved()
    market.freeze()


def under_way(market: Market) -> None:
    market.approved(LINE)
    market.rows("orchestrator", BEGIN, market.freeze())


def lurking(market: Market) -> None:
    market.close()
    test_nested_decisions.prepare(market)


MISTAKES = {
    "the digest is not computed again": Mistake(
        "finance.freeze_approvals(finance.payout_batches)",
        "v_forged.approval_id is not null",
        "false",
        approved,
        test_forged.test_an_approval_with_another_digest_than_its_lines_freezes_nothing,
    ),
    "a close takes the model's wallet": Mistake(
        "finance.check_close(text, text)",
        "where s.seller_id = r.seller_id and s.wallet_address = r.wallet_address",
        "",
        test_code_in_models.prepare,
        test_code_in_models.test_a_wallet_that_the_marketplace_never_named_is_not_stored,
    ),
    "the wallet is the model's": Mistake(
        "finance.check_batch(finance.payout_batches)",
        "(l.wallet_address is distinct from n.wallet_now or s.seller_id is null)",
        "false",
        approved,
        test_forged.test_a_line_to_another_wallet_than_the_marketplaces_is_not_frozen,
    ),
    "one person closes a break that holds": Mistake(
        "finance.close_break(bigint, text)",
        ") < 2 then",
        ") < 1 then",
        under_way,
        test_late_outcomes.test_a_break_that_holds_its_seller_takes_two,
    ),
    "nobody looks again before the first attempt": Mistake(
        "finance.begin_attempt(bigint, integer)",
        "v_stopped is not null",
        "false",
        frozen,
        test_stop.test_what_is_held_since_the_freeze_is_not_sent,
        ("wallet_blocked",),
    ),
    "what was sent is taken back": Mistake(
        "finance.withdraw_batch(text, text)",
        "and not finance.was_sent(c.batch_id, c.sequence)",
        "",
        frozen,
        test_stop.test_what_was_tried_once_goes_on_and_is_not_taken_back,
    ),
    "a view may decide": Mistake(
        "finance.require_plain_call()",
        "get diagnostics v_stack = pg_context;",
        "return;",
        lurking,
        test_nested_decisions.test_a_view_that_decides_is_refused,
        ("pause_payouts", "in a function"),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_closing_that_is_taken_out_is_noticed(name: str) -> None:
    mistake = MISTAKES[name]
    with Market.open(is_fresh=True) as market:
        mistake.prepare(market)
        mistake.test(market, *mistake.values)
    with Market.open(is_fresh=True) as market:
        mistake.prepare(market)
        source = market.value(
            OWNER, f"select pg_get_functiondef('{mistake.function}'::regprocedure)"
        )
        assert source.count(mistake.rule) == 1
        market.rows(OWNER, source.replace(mistake.rule, mistake.instead))
        with pytest.raises((AssertionError, psycopg.Error, pytest.fail.Exception)):
            mistake.test(market, *mistake.values)


def test_a_connection_that_forgets_its_path_is_noticed(
    settle_home: SettleHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = settle_home("forgetful")
    check = test_hostile_schemas.test_every_component_pins_its_search_path
    check(home, Component.ORCHESTRATOR)
    monkeypatch.setattr(connection, "PINNED", "")
    with pytest.raises(AssertionError):
        check(home, Component.ORCHESTRATOR)


@pytest.mark.parametrize("component", [Component.PORTAL, Component.WEBHOOK])
def test_one_connection_that_forgets_its_path_is_noticed(
    settle_home: SettleHome, monkeypatch: pytest.MonkeyPatch, component: Component
) -> None:
    """The pools of what faces the internet take the address as it is."""
    home = settle_home("forgetful")
    check = test_search_paths.test_the_pools_of_what_faces_the_internet_are_pinned
    check(home, component)
    monkeypatch.setattr(connection, "pinned", lambda url: url)
    with pytest.raises(AssertionError):
        check(home, component)


def test_one_function_that_forgets_its_path_is_noticed() -> None:
    with Market.open(is_fresh=True) as market:
        test_grants.test_functions_are_pinned_and_closed(market)
        market.rows(OWNER, "alter function finance.approve(text, text) reset search_path")
        with pytest.raises(AssertionError):
            test_grants.test_functions_are_pinned_and_closed(market)

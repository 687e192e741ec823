"""Under the live policy a backtest has the rows that were stored, whatever people decided then.

The marketplace of market.py, in which disputes, scores and spikes are paid: who is flagged for them
is under `elevated` from the close on, with 25 % of each order held back for 30 days.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from orchestrator.backtest.live_policy import live_policy
from orchestrator.backtest.models import ENDS, TARGETS, Models, compile_models
from orchestrator.backtest.policy import Policy, ReviewAction
from orchestrator.backtest.run import Run
from orchestrator.config import Component
from orchestrator.database.connection import connect
from orchestrator.dbt.builds import manifest_path
from orchestrator.dbt.runner import run_dbt
from orchestrator.settlement.check_wallets import check_new_wallets
from tests.backtest.market import FIRST_MONDAY, Marketplace, does, marketplace
from tests.backtest.test_backtest import CLOSES, ROWS
from tests.functions.market import wallet_of

FULL_PARSE = "Starting full parse"
PAID = ("disputes", "score", "spike")
FLAGS = "select payout_window, seller_id, {}, review_reasons, applies_from from {} order by 1, 2"
ASSIGNED = "asof_backtest_staging.stg_finance__flag_assignments"
HELD = (
    "select payout_window, seller_id, net_minor, hold_reasons[1] from {} where net_minor > 0"
    " order by 1, 2"
)


def october(day: int) -> datetime:
    """That day at noon; the 32nd is the first of November."""
    return (
        datetime(2026, 10, day, 12, tzinfo=UTC)
        if day < 32
        else datetime(2026, 11, day - 31, 12, tzinfo=UTC)
    )


PAY = does(
    "update settlement_seeds.review_actions set action = 'pay', policy = 'elevated',"
    " lift_after_weeks = 1 where review_reason = any(%s)",
    list(PAID),
)
HOLD = "insert into finance.seller_holds (seller_id, note, held_by) values (%s, 'asked', 'ana')"
RELEASE = (
    "update finance.seller_holds set lifted_by = 'ben', lifted_at = settle_now()"
    " where seller_id = %s"
)
BLOCK = "insert into finance.wallet_blocks (wallet_address, note, blocked_by) values (%s, 'x', 'a')"
LIFT = "update finance.wallet_blocks set lifted_by = 'ben', lifted_at = settle_now()"
ASSIGN = (
    "insert into finance.reserve_assignments (seller_id, policy, note, assigned_by, assigned_at,"
    " approved_by, approved_at) values (%s, %s, 'x', 'ana', settle_now(), 'ben', settle_now())"
)
MOVE = (
    "update marketplace.sellers set wallet_address = %s, updated_at = settle_now()"
    " where seller_id = %s"
)
DECIDED = (
    (FIRST_MONDAY, PAY),
    (october(7), does(HOLD, "seasonal")),  # W41
    (october(14), does(ASSIGN, "steady", "elevated")),  # W42
    (october(14), does(RELEASE, "seasonal")),
    (october(20), does(BLOCK, wallet_of("cheat", "ERC-20"))),  # W43
    (october(22), does(ASSIGN, "cheat", "standard")),
    (october(23), does(MOVE, "0x52908400098527886E0F7030069857D2E4169EE8", "steady")),
    (october(29), check_new_wallets),  # W44
    (october(35), does(LIFT)),  # W45
    (october(36), does(HOLD, "seasonal")),
)


@pytest.fixture(scope="module")
def market() -> Iterator[Marketplace]:
    with marketplace(*DECIDED) as market:
        yield market


@pytest.fixture(scope="module")
def live(market: Marketplace) -> Policy:
    """The seed of this database, which is not that of the project."""
    actions = tuple(
        ReviewAction(review_reason=reason, action="pay", policy="elevated", lift_after_weeks=1)
        for reason in PAID
    )
    return live_policy(market.settings).model_copy(update={"review_actions": actions})


@pytest.fixture(scope="module")
def compiled(market: Marketplace, live: Policy) -> Models:
    return compile_models(market.settings, live)


def test_a_policy_is_compiled_from_what_was_parsed_for_the_live_models(
    market: Marketplace, live: Policy, compiled: Models
) -> None:
    settings = market.settings
    manifest_path(settings)  # of the live models, parsed
    log = settings.home / "dbt" / "logs" / "dbt.log"
    before = log.read_text().count(FULL_PARSE)
    recovers = live.variables.model_copy(update={"late_disputes": "recover"})
    tried = compile_models(settings, live.model_copy(update={"variables": recovers}))
    assert log.read_text().count(FULL_PARSE) == before
    ours, theirs = ({m.name: m for m in models.ordered} for models in (compiled, tried))
    assert ours.keys() == theirs.keys()
    assert {name for name in ours if ours[name] != theirs[name]} == {"int_disputes"}


@pytest.mark.many("another parse each: make test compares what the models come to")
@pytest.mark.parametrize("target", TARGETS)
def test_models_are_what_dbt_parses_and_compiles_for_their_own_target(
    market: Marketplace, live: Policy, compiled: Models, target: str
) -> None:
    folder = market.settings.home / "dbt" / f"target-by-itself-{target}"
    variables = live.variables.model_dump_json()
    place = ["--target", target, "--target-path", str(folder), "--vars", variables]
    ends = [f"+{end}" for end in ENDS]
    run_dbt(market.settings, ["compile", "--full-refresh", *place, "--select", *ends])
    nodes = json.loads((folder / "manifest.json").read_text())["nodes"].values()
    theirs = {n["name"]: n for n in nodes if n["resource_type"] in ("model", "seed")}
    for model in compiled.at(target).ordered:
        node = theirs[model.name]
        assert (model.schema, model.sql) == (node["schema"], node.get("compiled_code") or "")


def run(market: Marketplace, compiled: Models, policy: Policy) -> None:
    with connect(market.settings, Component.DBT) as database:
        Run(database, compiled).over(policy, datetime(2026, 11, 9, 0, 15, tzinfo=UTC))


def test_every_row_is_the_stored_one(market: Marketplace, live: Policy, compiled: Models) -> None:
    """Flagged and paid: the cheat's 500 in W42, and seasonal's 200 in W43, whose order of W44 is
    then under `elevated`: 150 of 200 in W45. The cheat's of W42 as well: 1500 in W43.

    Held, and only then: seasonal's W41 and W45 by a person; the cheat's W43 and W44, as their
    wallet was blocked from Tuesday of W43 to Wednesday of W45; steady's from W43 on, first as
    nobody had checked the wallet of Friday, then as it is in one case.
    """
    run(market, compiled, live)

    stored = market.rows(ROWS.format("finance.window_close_rows"))
    assert market.rows(ROWS.format(CLOSES)) == stored
    assert market.rows(HELD.format(CLOSES)) == [
        ("2026-W41", "seasonal", 20_000, "manual_review"),
        ("2026-W41", "steady", 10_000, None),
        ("2026-W42", "cheat", 50_000, None),
        ("2026-W42", "seasonal", 40_000, None),
        ("2026-W42", "steady", 10_000, None),
        ("2026-W43", "cheat", 150_000, "wallet_blocked"),
        ("2026-W43", "seasonal", 20_000, None),
        ("2026-W43", "steady", 7_500, "wallet_unchecked"),
        ("2026-W44", "cheat", 150_000, "wallet_blocked"),
        ("2026-W44", "seasonal", 300_000, None),
        ("2026-W44", "steady", 15_000, "wallet_unchecksummed"),
        ("2026-W45", "cheat", 150_000, None),
        ("2026-W45", "seasonal", 15_000, "manual_review"),
        ("2026-W45", "steady", 22_500, "wallet_unchecksummed"),
    ]


def test_each_flag_is_the_stored_one(market: Marketplace, live: Policy, compiled: Models) -> None:
    """People say standard about the cheat on Thursday of W43: its close begins anew. Seasonal is
    flagged for W43 alone, so the close of W44 lifts it.
    """
    run(market, compiled, live)

    stored = market.rows(FLAGS.format("policy", "finance.flag_assignments"))
    assert market.rows(FLAGS.format("reserve_policy", ASSIGNED)) == stored
    assert [flag[:3] for flag in stored] == [
        ("2026-W41", "cheat", "elevated"),
        ("2026-W43", "cheat", "elevated"),
        ("2026-W43", "seasonal", "elevated"),
        ("2026-W44", "seasonal", None),
    ]


def test_flags_are_found_whatever_the_real_closes_did(
    market: Marketplace, live: Policy, compiled: Models
) -> None:
    """Disputes alone are paid, for two weeks: the cheat's, whom a bad score holds all the same. Its
    orders are under `elevated` from the close of W41 on, as above; nobody is lifted. Seasonal is
    held for its spike in W43, and its order of W44 is not touched: 200 in W45.
    """
    action = ReviewAction(
        review_reason="disputes", action="pay", policy="elevated", lift_after_weeks=2
    )
    run(market, compiled, live.model_copy(update={"review_actions": (action,)}))

    assert [flag[:3] for flag in market.rows(FLAGS.format("reserve_policy", ASSIGNED))] == [
        ("2026-W41", "cheat", "elevated"),
        ("2026-W43", "cheat", "elevated"),
    ]
    held = [row for row in market.rows(HELD.format(CLOSES)) if row[1] != "steady"]
    assert held == [
        ("2026-W41", "seasonal", 20_000, "manual_review"),
        ("2026-W42", "cheat", 50_000, "manual_review"),
        ("2026-W42", "seasonal", 40_000, None),
        ("2026-W43", "cheat", 200_000, "wallet_blocked"),
        ("2026-W43", "seasonal", 20_000, "manual_review"),
        ("2026-W44", "cheat", 200_000, "wallet_blocked"),
        ("2026-W44", "seasonal", 320_000, None),
        ("2026-W45", "cheat", 200_000, "manual_review"),
        ("2026-W45", "seasonal", 20_000, "manual_review"),
    ]

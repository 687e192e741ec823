"""Policies tried on a marketplace of three sellers: every figure is worked out by hand."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from pathlib import Path
from random import Random
from typing import Any

import pytest

from orchestrator.backtest.backtest import backtest
from orchestrator.backtest.live_policy import live_policy
from orchestrator.backtest.models import Models, compile_models
from orchestrator.backtest.page import page
from orchestrator.backtest.policy import Policy, ReservePolicy, ReviewAction
from orchestrator.backtest.report import Report, exact_json, read_report
from orchestrator.backtest.run import Run
from orchestrator.cli.backtest import show_report
from orchestrator.config import Component
from orchestrator.database.connection import connect, rows_of
from orchestrator.errors import SettleError
from tests.backtest.market import CLOSED, DISPUTE, ORDER, WINDOWS, Marketplace, marketplace
from tests.support.closed_week import environment_of
from tests.support.shell import Shell

CLOSES = "asof_backtest_staging.stg_finance__window_close_rows"
ROWS = """
select
    payout_window, seller_id, gross_minor, fees_minor, taxes_minor, refunds_minor, disputes_minor,
    charges_minor, adjustments_minor, carried_forward_minor, net_minor, order_count, weeks_carried,
    rail, wallet_address, hold_reasons, hold_detail
from {} order by 1, 2
"""
HEALTH = """
select
    payout_window, seller_id, trailing_30d_gross, trailing_30d_fees, trailing_30d_disputes,
    health_score, dispute_rate, refund_rate, spike_ratio, needs_review, review_reasons,
    first_ordered_at
from {} where payout_window >= '2026-W41' order by 1, 2
"""
WEEKS = """
select paid, recovered, avoided, absorbed, held_back, held, held_money_days
from asof_backtest.backtest_weeks order by payout_window
"""


@pytest.fixture(scope="module")
def market() -> Iterator[Marketplace]:
    with marketplace(CLOSED) as market:
        yield market


@pytest.fixture(scope="module")
def live(market: Marketplace) -> Policy:
    return live_policy(market.settings)


@pytest.fixture(scope="module")
def lenient(live: Policy) -> Policy:
    """Nobody is flagged; disputes are always charged, and a quarter is held back for 30 days."""
    never = {
        "late_disputes": "recover",
        "review_dispute_amount": Decimal(1_000_000),
        "review_spike_gross": Decimal(1_000_000),
        "review_score": Decimal(0),
    }
    standard = ReservePolicy(
        policy="standard", reserve_days=7, holdback_percent=Decimal(25), holdback_days=30
    )
    return live.model_copy(
        update={
            "policy": "lenient",
            "variables": live.variables.model_copy(update=never),
            "reserve_policies": (standard,),
        }
    )


@pytest.fixture(scope="module")
def report(market: Marketplace, live: Policy, lenient: Policy) -> Report:
    """The lenient policy first, then the live one: what the schemas show is the live one's."""
    return backtest(market.settings, live.model_copy(update={"policy": "now"}), lenient)


def by_window(report: Report, policy: str, *columns: str) -> list[tuple[Any, ...]]:
    weeks = [week for week in report.weeks if week["policy"] == policy]
    assert [week["payout_window"] for week in weeks] == list(WINDOWS)
    return [tuple(week[column] for column in columns) for week in weeks]


def test_under_the_live_policy_every_row_is_the_stored_one(
    market: Marketplace, report: Report
) -> None:
    stored = market.rows(ROWS.format("finance.window_close_rows"))

    assert market.rows(ROWS.format(CLOSES)) == stored
    assert len(stored) == 15
    assert market.rows(HEALTH.format("asof_backtest_core.int_seller_health")) == market.rows(
        HEALTH.format("finance.window_close_health")
    )


def test_who_bore_each_dispute_under_the_live_policy(report: Report) -> None:
    """The cheat is flagged from the close of W41 on: 500 of 1000 are disputed, and at each close
    after it at least 3 per cent. So no row of theirs is ever paid.

    W41: d1 is in time, 500 recovered. W43: d2 is late, the row of W42 was held with 500: avoided.
    W44: d3 is late, the row of W43 was held with 500 + 2000: avoided. W45: d4 is late, and steady
    was paid in W44: 60 absorbed.
    """
    parts = ("disputes_opened", "recovered", "avoided", "charged_later", "absorbed")

    assert by_window(report, "now", *parts) == [
        (500, 500, 0, 0, 0),
        (0, 0, 0, 0, 0),
        (500, 0, 500, 0, 0),
        (2000, 0, 2000, 0, 0),
        (60, 0, 0, 0, 60),
    ]


def test_what_the_live_policy_paid_and_kept(report: Report) -> None:
    """In reserve at a close: the orders of its window, paid by the next one.

    W41: 100 + 200 + 500. W42: 100 + 200 + 2000. W43: 100 + 3000. W44: 100 + 200. W45: none.
    Held: the cheat's 500 from W42 on, 2500 from W43 on; in W43 seasonal's 200 of W42, as 3000 after
    three weeks of 200 is a spike (3000 x 15 days / 600 x 7 days = 10.7), paid with W44's 3000.
    Each times 7 days. Paid: W41 and W42 100 + 200; W43 100; W44 100 + 3200; W45 100 + 200.
    """
    kept = ("in_reserve", "held_back", "held", "reserve_money_days", "held_money_days", "paid")

    assert by_window(report, "now", *kept) == [
        (800, 0, 0, 5600, 0, 300),
        (2300, 0, 500, 16100, 3500, 300),
        (3100, 0, 2700, 21700, 18900, 100),
        (300, 0, 2500, 2100, 17500, 3300),
        (0, 0, 2500, 0, 17500, 300),
    ]


def test_whom_the_live_policy_flagged(report: Report) -> None:
    """Rows above 0 of flagged sellers: the cheat's from W42 on, and seasonal's of W43. In W41 the
    cheat is flagged with nothing due, as d1 took the 500.

    Disputed after their close were the cheat's rows of W42 (d2, 500) and W43 (d3, 2000); steady's
    of W44 with 60 is below 100. All payouts delayed are the flagged ones.
    """
    flags = ("sellers_flagged", "rows_flagged", "rows_disputed", "rows_found", "payouts_delayed")

    assert by_window(report, "now", *flags) == [
        (1, 0, 0, 0, 0),
        (1, 1, 1, 1, 1),
        (2, 2, 1, 1, 2),
        (1, 1, 0, 0, 1),
        (1, 1, 0, 0, 1),
    ]
    shares = by_window(report, "now", "flag_precision", "flag_recall")
    half = Decimal("0.5")
    assert shares == [(None, None), (1, 1), (half, 1), (0, None), (0, None)]


def test_without_flags_a_holdback_covers_a_quarter(report: Report) -> None:
    """Under `recover` every dispute is charged. d1: in reserve, 500 recovered. d2: W42 paid its
    order, but for a quarter held back until 16 November: 125 avoided, 375 charged later. d3: 500
    and 1500. d4: of 100, 25 are held back: 25 avoided, 35 charged later.
    """
    parts = ("disputes_opened", "recovered", "avoided", "charged_later", "absorbed")

    assert by_window(report, "lenient", *parts) == [
        (500, 500, 0, 0, 0),
        (0, 0, 0, 0, 0),
        (500, 0, 125, 375, 0),
        (2000, 0, 500, 1500, 0),
        (60, 0, 25, 35, 0),
    ]


def test_what_is_charged_later_is_owed(report: Report) -> None:
    """The cheat's net: W41 375 - 500 = -125. W42 375 - 125 = 250, paid. W43 1500 - 500 = 1000,
    paid. W44 -2000, and W45 the same, as no holdback is free before 9 November at noon. Steady and
    seasonal never owe.

    Written off: nothing while the cheat may sell again, as none of these debts is 90 days old; all
    2000 at the close of W45, when the account is closed. Under the live policy nobody owes.

    Held back at a close, a quarter of what was due by then: W41 200 of 800, W42 400 of 1600, W43
    975 of 3900, W44 1750 of 7000, W45 1825 of 7300. Nothing else is held.
    """
    owed = ("negative_balances", "sellers_negative", "held_back", "held_money_days", "rows_flagged")

    assert by_window(report, "lenient", *owed) == [
        (125, 1, 200, 1400, 0),
        (0, 0, 400, 2800, 0),
        (0, 0, 975, 6825, 0),
        (2000, 1, 1750, 12250, 0),
        (2000, 1, 1825, 12775, 0),
    ]
    assert by_window(report, "lenient", "written_off") == [(0,), (0,), (0,), (0,), (2000,)]
    assert by_window(report, "now", "negative_balances", "written_off") == [(0, 0)] * 5


def test_the_totals_stand_side_by_side(report: Report) -> None:
    """Losses: 60 absorbed, against 2000 owed at the end by a seller who is closed: written off."""
    totals: Mapping[str, Any] = {row["measure"]: row for row in report.totals}

    figures = {
        measure: tuple(totals[measure][name] for name in ("tried", "against", "difference"))
        for measure in ("losses", "avoided", "written_off", "held_money_days", "flag_precision")
    }
    assert figures["losses"] == (60, 2000, -1940)
    assert figures["avoided"] == (2500, 650, 1850)
    assert figures["written_off"] == (0, 2000, -2000)
    assert figures["held_money_days"] == (57400, 36050, 21350)
    # Of W42 to W44, 2 of 4; the young W45 is left out.
    assert figures["flag_precision"] == (Decimal("0.5"), None, None)


def test_delays_are_measured_and_young_windows_named(report: Report) -> None:
    """d1 came 5 days after its order, the others in the second week. Of the orders that are more
    than a week old 500 of 3060 were disputed in the first week; of later weeks nothing is known but
    that nothing came. The orders that W45 pays are 8 days old: only their first week is known.
    """
    assert [(d["delay_weeks"], d["dispute_count"], d["known_share"]) for d in report.delays] == [
        (0, 1, Decimal("0.1634")),
        (1, 3, 1),
        (2, 0, 1),
        (3, 0, 1),
        (4, 0, 1),
    ]
    assert report.immature == ["2026-W45"]
    assert "1 of 5 windows is immature" in report.limits[-1]


def test_the_page_needs_nothing_beside_it_and_says_what_it_cannot_tell(report: Report) -> None:
    """Four charts: a point for each policy, two lines over five windows twice, and the delays."""
    shown = page(report)

    assert "http" not in shown
    assert "src=" not in shown
    assert all(limit in unescape(shown) for limit in report.limits)
    assert shown.count('class="chart"') == 4
    assert "2026-W45 (immature)" in shown
    lines = [points.split() for points in re.findall(r'points="([^"]+)"', shown)]
    assert [len(points) for points in lines] == [5, 5, 5, 5, 5]
    # Of 0 to 1 the curve begins at 0.1634 and ends at 1: 232 pixels of height, 22 from the top.
    assert (lines[-1][0], lines[-1][-1]) == ("62.0,216.1", "458.0,22.0")


def test_the_report_is_stored_as_it_was_shown_and_stays(
    market: Marketplace, report: Report
) -> None:
    [(number, document)] = market.rows(
        "select backtest_id, document::text from finance.backtests"
        " where document ->> 'tried' = 'now'"
    )
    stored = read_report(json.loads(document, parse_float=Decimal))

    assert isinstance(stored, Report)
    assert page(stored) == page(report)
    with pytest.raises(SettleError, match="append-only"):
        market.rows(f"delete from finance.backtests where backtest_id = {number}")


def test_the_table_and_the_document_say_the_same(
    report: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    show_report(report)
    printed = capsys.readouterr().out
    losses = next(line for line in printed.splitlines() if line.startswith("Losses"))

    assert losses.split()[-3:] == ["60.00", "2,000.00", "-1,940.00"]
    assert all(limit in " ".join(printed.split()) for limit in report.limits)
    told = report.document
    assert (told["tried"], told["against"]) == ("now", "lenient")
    assert (told["from"], told["to"], told["currency"]) == (WINDOWS[0], WINDOWS[-1], "USD")
    assert len(told["weeks"]) == 2 * len(WINDOWS)


@pytest.mark.parametrize(
    ("first", "last", "reason"),
    [
        (None, "2026-W46", "window 2026-W46 has no stored close"),
        ("2026-W40", None, "window 2026-W40 has no stored close"),
        ("2026-W44", "2026-W43", "2026-W44 comes after 2026-W43"),
    ],
)
def test_a_window_that_was_not_closed_is_refused(
    market: Marketplace, live: Policy, first: str | None, last: str | None, reason: str
) -> None:
    with pytest.raises(SettleError, match=reason):
        backtest(market.settings, live, live, first=first, last=last)


def test_two_policies_of_one_name_are_refused(
    market: Marketplace, live: Policy, lenient: Policy
) -> None:
    with pytest.raises(SettleError, match="both policies are called live"):
        backtest(market.settings, lenient.model_copy(update={"policy": "live"}), live)


def test_on_the_frontier_is_who_loses_less_only_by_keeping_more(market: Marketplace) -> None:
    """b loses and keeps more than a; d loses as much as c and keeps more; e is c again."""
    policies = {"a": (10, 50), "b": (20, 60), "c": (5, "70.50"), "d": (5, 80), "e": (5, "70.50")}
    totals = [
        {
            "policy": policy,
            "totals": [
                {"measure": "losses", "tried": Decimal(losses)},
                {"measure": "kept_money_days", "tried": Decimal(kept)},
            ],
        }
        for policy, (losses, kept) in policies.items()
    ]
    with connect(market.settings, Component.ORCHESTRATOR, is_read_only=True) as database:
        found = rows_of(database, "risk/grid_frontier", totals=exact_json(totals))

    assert [(r["measured"]["policy"], r["measured"]["is_on_frontier"]) for r in found] == [
        ("c", True),
        ("e", True),
        ("d", False),
        ("a", True),
        ("b", False),
    ]
    assert found[0]["measured"]["kept_money_days"] == Decimal("70.50")


GRID = ("--grid", "standard.reserve_days=7,8,14")
DBT_COMMAND = "Running with dbt="
TRIED = "select policy, min(xmin::text) as made from asof_backtest.tried_weeks group by policy"
# While the transaction of this row is open, what was measured of 14 days waits to be kept.
IN_THE_WAY = """
insert into asof_backtest.tried_weeks (grid, policy, payout_window, measures)
values ('', 'standard.reserve_days 14', '2026-W41', '{}')
"""
WAITING = "from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))"


@pytest.mark.many("two processes, twice: make test tries policies in its own")
def test_a_grid_that_was_killed_goes_on_where_it_was(
    market: Marketplace, live: Policy, report: Report, tmp_path: Path
) -> None:
    """Three policies in two processes, killed once one was kept and while the last one is not.

    A reserve of 8 days ends on a Sunday, so each order is paid by the same window as with 7 days:
    60 absorbed. After 14 days every dispute is known before the release.
    """
    file, drawn = tmp_path / "reserve.yml", tmp_path / "grid.html"
    file.write_text("policy: reserve\n", encoding="utf-8")
    shell = Shell(market.settings.home, **environment_of(market.settings))
    command = ("backtest", "--policy", str(file), *GRID, "--html", str(drawn), "--json")
    log = market.settings.home / "dbt" / "logs" / "dbt.log"

    def commands() -> int:
        return log.read_text(encoding="utf-8").count(DBT_COMMAND)

    kept: set[Any] = set()
    before, commands_before = set(market.rows(TRIED)), commands()
    with (
        connect(market.settings, Component.OWNER) as database,
        database.transaction(force_rollback=True),
    ):
        database.execute(IN_THE_WAY)
        with shell.start(*command) as running:
            while not (kept and database.execute(f"select 1 {WAITING}".encode()).fetchall()):
                assert running.poll() is None, running.communicate()
                time.sleep(0.1)
                kept = set(market.rows(TRIED)) - before
            running.kill()
            database.execute(f"select pg_terminate_backend(pid, 10000) {WAITING}".encode())
    # Parsed and compiled once for both processes: their variables are the same.
    assert commands() == commands_before + 2

    found = json.loads(shell.done(*command))["policies"]
    assert [(row["policy"], Decimal(row["losses"])) for row in found] == [
        ("standard.reserve_days 14", Decimal(0)),
        ("standard.reserve_days 7", Decimal(60)),
        ("standard.reserve_days 8", Decimal(60)),
    ]
    assert "3. standard.reserve_days 8" in drawn.read_text(encoding="utf-8")
    tried = market.rows(TRIED)
    assert kept <= set(tried)
    assert len({made for _, made in tried}) == 3  # each in a transaction of its own
    # The second process had its part; once all are tried, nothing is.
    assert market.rows("select 1 from asof_backtest_2.backtest_weeks limit 1") == [(1,)]
    assert json.loads(shell.done(*command))["policies"] == found
    assert market.rows(TRIED) == tried


@pytest.fixture(scope="module")
def compiled(market: Marketplace, live: Policy) -> Models:
    return compile_models(market.settings, live)


def test_flagged_sellers_are_paid_and_a_quarter_of_what_they_sell_since_is_held_back(
    market: Marketplace, live: Policy, compiled: Models
) -> None:
    """Disputes, scores and spikes put a seller under `elevated` instead of holding their row.

    Paid: W41 100 + 200; W42 the cheat's 500 as well; W43 100 + 200 of seasonal, flagged for its
    spike, + 1500 of the cheat, whose 2000 were ordered on Saturday of W42, after the close of W41
    flagged them; W44 100 + 3000; W45 100 + 150, as seasonal was flagged when it sold 200.

    d1 is in time: 500 recovered. d2 comes after its order was paid whole: 500 absorbed. d3 comes
    while 500 of its order are held back: 500 avoided, 1500 absorbed. d4: 60 absorbed. Held back at
    a close: 500 of the cheat's from W43 on, 50 of seasonal's in W45; times 7 days.
    """
    actions = tuple(
        ReviewAction(review_reason=reason, action="pay", policy="elevated", lift_after_weeks=1)
        for reason in ("disputes", "score", "spike")
    )
    with connect(market.settings, Component.DBT) as database:
        trusting = live.model_copy(update={"review_actions": actions})
        Run(database, compiled).over(trusting, datetime(2026, 11, 9, 0, 15, tzinfo=UTC))

    assert market.rows(WEEKS) == [
        (300, 500, 0, 0, 0, 0, 0),
        (800, 0, 0, 0, 0, 0, 0),
        (1800, 0, 0, 500, 500, 0, 3500),
        (3100, 0, 500, 1500, 500, 0, 3500),
        (250, 0, 0, 60, 550, 0, 3850),
    ]


def test_what_comes_after_a_close_changes_nothing_before_it(
    market: Marketplace, live: Policy, compiled: Models, report: Report
) -> None:
    """Hundreds of facts after the close of W43, at random: its rows, and those before, stay."""
    after = datetime(2026, 10, 26, tzinfo=UTC).timestamp()
    until = datetime(2026, 11, 9, tzinfo=UTC).timestamp()
    dice = Random(7)  # noqa: S311
    before = market.rows(ROWS.format("finance.window_close_rows"))[:9]
    with connect(market.settings, Component.OWNER) as owner:
        for number in range(300):
            instant = datetime.fromtimestamp(dice.uniform(after, until), UTC)
            seller = dice.choice(("steady", "seasonal", "cheat"))
            fact = {"id": f"x{number}", "seller": seller, "at": instant}
            if dice.random() < 0.5:
                owner.execute(ORDER.encode(), fact | {"amount": dice.randrange(1, 9000)})
            else:
                order = f"{seller}-{dice.choice((40, 41, 42))}"
                amount = dice.randrange(1, 500)
                owner.execute(DISPUTE.encode(), fact | {"order": order, "amount": amount})
    with connect(market.settings, Component.DBT) as database:
        Run(database, compiled).over(live, datetime(2026, 11, 9, 0, 15, tzinfo=UTC))

    rows = market.rows(ROWS.format(CLOSES))
    assert rows[:9] == before
    assert rows[9:] != market.rows(ROWS.format("finance.window_close_rows"))[9:]

"""The SQL against the oracle, row by row, on random hostile worlds that share one database."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.dbt.builds import AS_OF_SCHEMA, build_arguments, build_as_of
from orchestrator.dbt.runner import run_dbt
from tests.models import agreement
from tests.models.agreement import compare
from tests.models.worlds import Marketplace, prefixed, together
from tests.reference import model
from tests.reference.facts import Facts, Fee, Policy, Refund
from tests.reference.windows import window_of
from tests.reference.world import World, random_world
from tests.simulation.compiled import Project
from tests.simulation.databases import copy_of
from tests.simulation.lab import lab
from tests.support.settings import at

MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)
LAG = timedelta(minutes=15)
UTC_ZONE = ZoneInfo("UTC")

# Around it lie the clock changes of Berlin and New York, and week 53 and the end of the year.
AROUND = date(2020, 11, 30)
ZONES = ("UTC", "Europe/Berlin", "America/New_York")
POLICIES = (
    Policy(datetime(2020, 11, 9, tzinfo=UTC), 3),
    Policy(datetime(2020, 12, 7, 5, tzinfo=UTC), 14),
)


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    return [
        random_world(
            seed,
            weeks=12,
            tz=ZONES[seed % 3],
            policies=POLICIES if seed % 2 else (),
            adjustments=5,
            around=AROUND,
        )
        for seed in range(30)
    ]


def filled(settings: Settings, worlds: list[World]) -> Marketplace:
    market = Marketplace(settings, worlds, Facts())
    market.add(together(prefixed(w.facts, f"{w.seed}/") for w in worlds))
    return market


@pytest.fixture(scope="module")
def marketplace(settings: Settings, worlds: list[World]) -> Marketplace:
    """Where nothing was built before."""
    return filled(settings, worlds)


@pytest.fixture(scope="module")
def live(worlds: list[World]) -> Iterator[Marketplace]:
    """Where dbt has built once: from then on what it compiled stands in for it."""
    with copy_of(lab().home, lab().templates[UTC_ZONE.key]) as settings:
        yield filled(settings, worlds)


@pytest.fixture(scope="module")
def project() -> Project:
    """The live models. That dbt leaves the same rows behind, test_simulation.py compares."""
    return replace(lab().project, zone=UTC_ZONE.key)


def test_the_calendar(marketplace: Marketplace) -> None:
    """Every hour around 2020, and the microseconds beside it, where clocks do odd things."""
    zones = (*ZONES, "America/Sao_Paulo", "Asia/Tehran", "Australia/Lord_Howe", "Pacific/Apia")
    hours = [datetime(2020, 9, 1, tzinfo=UTC) + n * timedelta(hours=1) for n in range(24 * 300)]
    instants = [hour + n * MICROSECOND for hour in hours for n in (-1, 0)]
    for zone in zones:
        with connect(marketplace.settings, Component.DBT) as connection:
            found = connection.execute(
                "select at, finance.window_starts_at(at, %(zone)s),"
                " finance.window_ends_at(at, %(zone)s), finance.window_label(at, %(zone)s)"
                " from unnest(%(instants)s::timestamptz[]) as at",
                {"zone": zone, "instants": instants},
            ).fetchall()
        for instant, *window in found:
            own = window_of(instant, ZoneInfo(zone))
            assert [own.starts_at, own.ends_at, own.label] == window, (zone, instant)


@pytest.mark.parametrize(
    ("zone", "late", "policies"),
    [
        ("UTC", "absorb", ()),
        ("Europe/Berlin", "absorb", POLICIES),
        ("America/New_York", "until_window_close", ()),
        ("UTC", "recover", POLICIES),
    ],
)
def test_any_instant_from_the_facts_alone(
    marketplace: Marketplace,
    zone: str,
    late: model.LatePolicy,
    policies: tuple[Policy, ...],
) -> None:
    rules = model.Settings(ZoneInfo(zone), late_disputes=late)
    compared = 0
    for number, instant in enumerate(instants_of(marketplace, rules)):
        if number == 0:
            build_first(marketplace.settings, instant, rules)
        else:
            rebuild(marketplace.settings, instant, rules)
        ledger = model.keep(marketplace.facts, instant, rules)
        found = agreement.sql(marketplace.settings, AS_OF_SCHEMA)
        compared += compare(found, agreement.oracle(ledger), f"{rules} as of {instant}")
        if number == 0 and policies:  # from here on
            rules = replace(rules, policies=policies)
            write_policies(marketplace.settings, policies)
    print(f"{zone}, {late}, {len(policies)} policies: {compared} rows agree")


def instants_of(marketplace: Marketplace, rules: model.Settings) -> Iterator[datetime]:
    """The middle of it, a window's end or right before it, the exact instant of a fact."""
    rng = Random(repr(rules))  # noqa: S311 - a test's dice
    edges = [window_of(AROUND_INSTANT + n * 7 * DAY, rules.timezone).ends_at for n in range(-3, 9)]
    known = [i for w in marketplace.worlds for i in w.instants() if i < max(edges)]
    yield AROUND_INSTANT + rng.randrange(10 * 24 * 3600) * timedelta(seconds=1)
    yield rng.choice(edges) - rng.choice((0, 1)) * MICROSECOND
    yield rng.choice(known)


AROUND_INSTANT = datetime(AROUND.year, AROUND.month, AROUND.day, tzinfo=UTC)


def build_first(settings: Settings, instant: datetime, rules: model.Settings) -> None:
    """As a person asks for it, where the command line has the words."""
    if rules.late_disputes == "absorb":
        build_as_of(settings, instant, rules.timezone.key)
    else:
        begin(settings, instant)
        run_dbt(settings, [*build_arguments(), *as_of_arguments(settings, rules)])


def rebuild(settings: Settings, instant: datetime, rules: model.Settings) -> None:
    """The models alone, of a schema whose seeds are there and perhaps changed."""
    begin(settings, instant)
    run_dbt(settings, ["run", *as_of_arguments(settings, rules)])


def begin(settings: Settings, instant: datetime) -> None:
    with connect(settings, Component.DBT) as connection:
        connection.execute("select finance.begin_build(%s, %s)", [AS_OF_SCHEMA, instant])


def as_of_arguments(settings: Settings, rules: model.Settings) -> list[str]:
    target = settings.home / "dbt" / "target-asof"
    variables = {"use_stored_closes": False, "settlement_timezone": rules.timezone.key}
    if rules.late_disputes != model.DEFAULTS.late_disputes:  # dbt parses anew for each other set
        variables["late_disputes"] = rules.late_disputes
    place = ["--target", "asof", "--target-path", str(target), "--no-write-json"]
    return [*place, "--vars", json.dumps(variables)]


def write_policies(settings: Settings, policies: tuple[Policy, ...]) -> None:
    with connect(settings, Component.DBT) as connection:
        connection.execute("set role settle_dbt")
        for policy in policies:
            connection.execute(
                "insert into asof_settlement_seeds.reserve_policies values (%s, %s)",
                [policy.valid_from, policy.reserve_days],
            )


@pytest.mark.slow
def test_week_by_week(live: Marketplace, project: Project) -> None:
    """Closes are stored as windows end, one or several at a time; builds start from them."""
    first = window_of(AROUND_INSTANT - 28 * DAY, UTC_ZONE).ends_at
    steps = [timedelta(weeks=n) + LAG for n in (0, 1, 3, 8, 11)]
    steps.insert(2, timedelta(days=10, hours=5))
    compared, is_first = 0, True
    for step in steps:
        instant = first + step
        settings = at(live.settings, instant)
        project.build(settings)
        [(is_scoped,)] = live.select(
            "select scope_from > '-infinity' from settlement_core.int_build"
        )
        assert is_scoped is not is_first
        is_first = False
        ledger = model.keep(live.facts, instant, model.DEFAULTS)
        expected = agreement.oracle(ledger)
        compared += compare(agreement.sql(settings, "settlement"), expected, f"at {instant}")
        close_all(live)
        compared += compare(agreement.sql(settings, "settlement"), expected, f"closed, {instant}")
        compared += compare_stored(live, ledger)
        assert live.select("select * from settlement_core.int_close_contradictions") == []
    project.build(settings, full_refresh=True)
    compared += compare(agreement.sql(settings, "settlement"), expected, "after a full refresh")
    assert live.select("select * from settlement_core.int_close_contradictions") == []
    build_as_of(settings, instant, None)
    compared += compare(agreement.sql(settings, AS_OF_SCHEMA), expected, f"as of {instant}")
    print(f"week by week: {compared} rows agree")


def close_all(marketplace: Marketplace) -> None:
    """Every closed window without a close, in order."""
    labels = marketplace.select(
        "select payout_window from settlement.windows where is_closed"
        " and payout_window not in (select payout_window from finance.window_closes)"
        " order by window_starts_at"
    )
    for (label,) in labels:
        for is_stored in (True, False):
            with connect(marketplace.settings, Component.ORCHESTRATOR) as connection:
                [(answer,)] = connection.execute("select finance.store_close(%s)", [label])
                assert answer is is_stored


def compare_stored(marketplace: Marketplace, ledger: model.Ledger) -> int:
    """The stored rows of all windows so far; the health of the latest one."""
    settlement = [row for row in agreement.settlement_rows(ledger) if not row[-1]]
    stored = {
        "settlement": marketplace.select(
            "select r.seller_id, r.payout_window, r.gross_minor, r.fees_minor, r.refunds_minor,"
            " r.disputes_minor, r.adjustments_minor, r.carried_forward_minor, r.net_minor, r.rail,"
            " r.order_count, c.window_starts_at, c.window_ends_at, false"
            " from finance.window_close_rows as r inner join finance.window_closes as c"
            " on r.payout_window = c.payout_window"
        ),
        "health": marketplace.select(
            "select h.seller_id, trailing_30d_gross, trailing_30d_fees,"
            " trailing_30d_disputes, health_score::text, dispute_rate::text,"
            " refund_rate::text, spike_ratio::text, needs_review, review_reasons, c.window_ends_at"
            " from finance.window_close_health as h inner join finance.window_closes as c"
            " on h.payout_window = c.payout_window order by c.window_starts_at"
        ),
    }
    expected = {"settlement": settlement, "health": agreement.health_rows(ledger)}
    latest = {row[-1] for row in expected["health"]}
    stored["health"] = [row for row in stored["health"] if row[-1] in latest]
    return compare(
        {view: agreement.rows(found) for view, found in stored.items()},
        {view: agreement.rows(found) for view, found in expected.items()},
        f"stored by {ledger.as_of}",
    )


def test_what_is_committed_late_contradicts_a_close_and_moves_nothing(
    live: Marketplace, project: Project
) -> None:
    end = window_of(AROUND_INSTANT + 84 * DAY, UTC_ZONE).ends_at
    settings = at(live.settings, end + DAY)
    project.build(settings)
    close_all(live)
    before = model.keep(live.facts, end + DAY, model.DEFAULTS)
    live.add(late_facts(before, end))
    after = model.keep(live.facts, end + DAY, model.DEFAULTS)
    expected = agreement.oracle(after)
    for view in ("settlement", "reserve", "order_reserve", "entries"):
        expected[view] = agreement.oracle(before)[view]
    was, is_now = new_amounts(before), new_amounts(after)
    moved = {
        (*key, is_now[key] - was.get(key, 0)) for key in is_now if is_now[key] != was.get(key, 0)
    }
    rechecked = {row for row in moved if row[1] >= end - 14 * DAY}
    assert (len(moved), len(rechecked)) == (3, 2)
    for is_full in (False, True):
        project.build(settings, full_refresh=is_full)
        compare(agreement.sql(settings, "settlement"), expected, f"full refresh: {is_full}")
        contradictions = live.select(
            "select e.seller_id, w.window_starts_at, (e.amount * 100)::bigint"
            " from settlement.data_exceptions as e"
            " inner join settlement.windows as w on e.payout_window = w.payout_window"
            " where e.reason = 'contradicted_close'"
        )
        assert sorted(contradictions) == sorted(moved if is_full else rechecked)


def late_facts(ledger: model.Ledger, end: datetime) -> Facts:
    """A fee in the latest window, an order in the one before it, a refund in an old one."""
    claimed = {claim.order.order.order_id for claim in ledger.claims}
    old, *_, other = (
        known.order
        for order_id, known in sorted(ledger.screened.orders.items())
        if known.available_at < end - 45 * DAY
        and known.gross_minor >= 100_00
        and order_id not in claimed
    )
    fee_at, order_at, refund_at = end - 2 * DAY, end - 17 * DAY, end - 38 * DAY
    fee = Fee("late-f", old.order_id, old.seller_id, "shipping", Decimal("1.23"), fee_at, fee_at)
    order = replace(other, order_id="late-o", ordered_at=order_at, recorded_at=order_at)
    refund = Refund("late-r", old.order_id, old.seller_id, Decimal("4.56"), refund_at, refund_at)
    return Facts(orders=(order,), order_fees=(fee,), refunds=(refund,))


def new_amounts(ledger: model.Ledger) -> dict[tuple[str, datetime], int]:
    """What is new per seller and start of a closed window."""
    return {
        (row.seller_id, row.window_starts_at): row.net - row.carried_forward
        for row in model.settlement_rows(ledger)
        if not row.is_open
    }

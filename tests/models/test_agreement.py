"""The SQL against the oracle, row by row, on random hostile worlds that share one database."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.dbt.builds import AS_OF_SCHEMA
from tests.models import agreement
from tests.models.agreement import compare
from tests.models.as_of import AS_OF_SEEDS, build_first, rebuild
from tests.models.hostile_sample import add_new_sellers, replace_policies
from tests.models.worlds import Marketplace, lived, prefixed, together
from tests.reference import model
from tests.reference.facts import TABLES, Facts, Key
from tests.reference.landing import landed, landings
from tests.reference.settings import NewSellers, Policy
from tests.reference.windows import window_of
from tests.reference.world import World, random_world
from tests.simulation.compiled import Project
from tests.simulation.lab import lab
from tests.support.settings import SettleHome, at

MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)
LAG = timedelta(minutes=15)
UTC_ZONE = ZoneInfo("UTC")
NIGHTLY = pytest.mark.nightly(
    "as long again; make test compares one zone, and weeks after a go-live"
)

# Around it lie the clock changes of Berlin and New York, and week 53 and the end of the year.
AROUND = date(2020, 11, 30)
ZONES = ("UTC", "Europe/Berlin", "America/New_York")
WEEK = timedelta(weeks=1)
LIVE_SEEDS = "settlement_seeds"
CONTRADICTIONS = "select * from settlement_core.int_close_contradictions"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
POLICIES = (
    Policy(LONG_AGO, 7),
    Policy(datetime(2020, 11, 9, tzinfo=UTC), 3),
    Policy(datetime(2020, 12, 7, 5, tzinfo=UTC), 14),
    Policy(LONG_AGO, 7, Decimal(25), 30, "elevated"),
    Policy(datetime(2020, 11, 30, tzinfo=UTC), 10, Decimal("12.5"), 20, "elevated"),
    Policy(LONG_AGO, 2, Decimal(10), 0, "at_once"),
)
# The drawn sellers were created up to 400 days before.
NEW_SELLERS = NewSellers(datetime(2020, 11, 12, 3, tzinfo=UTC), "elevated", 150)
# As the seed has them.
SEED = (Policy(LONG_AGO, 7), Policy(LONG_AGO, 7, Decimal(25), 30, "elevated"))
RULES = replace(model.DEFAULTS, policies=SEED)


@pytest.fixture(
    scope="module",
    params=[6, pytest.param(30, marks=pytest.mark.many("more worlds: make test has six"))],
)
def worlds(request: pytest.FixtureRequest) -> list[World]:
    return [
        random_world(
            seed,
            weeks=12,
            tz=ZONES[seed % 3],
            policies=POLICIES,
            adjustments=5,
            around=AROUND,
        )
        for seed in range(request.param)
    ]


def filled(settings: Settings, worlds: list[World]) -> Marketplace:
    market = Marketplace(settings, worlds, Facts())
    market.add(together(prefixed(w.facts, f"{w.seed}/") for w in worlds))
    return market


@pytest.fixture(scope="module")
def marketplace(settle_home: SettleHome, worlds: list[World]) -> Marketplace:
    """Where nothing was built before."""
    return filled(settle_home(f"worlds_{len(worlds)}"), worlds)


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
        pytest.param("Europe/Berlin", "absorb", POLICIES, marks=NIGHTLY),
        pytest.param("America/New_York", "until_window_close", (), marks=NIGHTLY),
        pytest.param("UTC", "recover", POLICIES, marks=NIGHTLY),
    ],
)
def test_any_instant_from_the_facts_alone(
    marketplace: Marketplace,
    zone: str,
    late: model.LatePolicy,
    policies: tuple[Policy, ...],
) -> None:
    rules = model.Settings(ZoneInfo(zone), late_disputes=late, policies=SEED)
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
            rules = replace(rules, policies=policies, new_sellers=(NEW_SELLERS,))
            replace_policies(marketplace.settings, AS_OF_SEEDS, policies)
            add_new_sellers(marketplace.settings, AS_OF_SEEDS, NEW_SELLERS)
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


@pytest.mark.slow
@pytest.mark.parametrize(
    "begins", [pytest.param("with the first order", marks=NIGHTLY), "with a go-live"]
)
def test_week_by_week(worlds: list[World], project: Project, begins: str) -> None:
    """Closes are stored as windows end, one or several at a time; builds start from them.

    A tenth of all rows is committed days or weeks late, and some sellers vanish on the way.
    """
    every = together(prefixed(w.facts, f"{w.seed}/") for w in worlds)
    first = window_of(AROUND_INSTANT - 28 * DAY, UTC_ZONE).ends_at
    starts_at = first - WEEK if begins == "with a go-live" else None
    late = landings(every, Random(begins))  # noqa: S311 - a test's dice
    steps = [timedelta(weeks=n) + LAG for n in (0, 1, 3, 8, 11)]
    steps.insert(2, timedelta(days=10, hours=5))
    posting, compared = model.NOTHING_STORED, 0
    rules = replace(model.DEFAULTS, policies=POLICIES, new_sellers=(NEW_SELLERS,))
    with lived(worlds) as live:
        replace_policies(live.settings, LIVE_SEEDS, POLICIES)
        add_new_sellers(live.settings, LIVE_SEEDS, NEW_SELLERS)
        if starts_at:
            live.go_live(go_live(every, starts_at))
        for number, step in enumerate(steps):
            instant = first + step
            live.add(newly_landed(live.facts, every, late, instant))
            settings = at(live.settings, instant)
            project.build(settings)
            [(is_scoped,)] = live.select(
                "select scope_from > '-infinity' from settlement_core.int_build"
            )
            assert is_scoped is (number > 0) or number == 1  # too few windows to be compared again
            ledger = model.keep(live.facts, instant, rules, posting)
            expected = agreement.oracle(ledger)
            found = agreement.sql(settings, "settlement")
            compared += compare(found, expected, f"at {instant}")
            was_stored, posting = posting.stored_until, close_all(live, rules, posting)
            found = agreement.sql(settings, "settlement")
            compared += compare(found, expected, f"closed, {instant}")
            is_new = was_stored != posting.stored_until
            compared += compare_stored(live, ledger, with_health=is_new)
            assert live.select(CONTRADICTIONS) == []
            if number == 2:
                vanish(live, sorted(seller.seller_id for seller in live.facts.sellers)[::7])
        for is_full in (True, False):
            project.build(settings, full_refresh=is_full)
            found = agreement.sql(settings, "settlement")
            compared += compare(found, expected, f"after a full refresh, or one more: {is_full}")
            assert live.select(CONTRADICTIONS) == []
        assert len(posting.posted) > 16 * len(worlds)
    print(f"week by week: {compared} rows agree, {len(posting.posted)} posted")


def go_live(facts: Facts, starts_at: datetime) -> model.GoLive:
    owed = [seller.seller_id for seller in facts.sellers][::5]
    amounts = (Decimal(number * 1234 - 5000).scaleb(-2) for number in range(1, len(owed) + 1))
    balances = map(model.OpeningBalance, owed, amounts)
    return model.GoLive(starts_at, tuple(balances))


def newly_landed(
    before: Facts, every: Facts, late: dict[Key, datetime], instant: datetime
) -> Facts:
    """What has been committed by then, and was not before; decisions all come at first."""
    now = landed(every, late, instant)
    if before.orders:
        now = replace(now, adjustments=(), assignments=())
    was = {table: set(getattr(before, table)) for table in TABLES}
    new = {t: tuple(row for row in getattr(now, t) if row not in was[t]) for t in TABLES}
    return replace(now, **new)


def vanish(marketplace: Marketplace, seller_ids: list[str]) -> None:
    """Their rows are gone from the source table, as after a load that was cut short."""
    with connect(marketplace.settings, Component.OWNER) as owner:
        owner.execute("delete from marketplace.sellers where seller_id = any(%s)", [seller_ids])


def close_all(
    marketplace: Marketplace, rules: model.Settings, posting: model.Posting
) -> model.Posting:
    """Every closed window without a close, in order."""
    decided = marketplace.facts.go_live
    labels = marketplace.select(
        "select payout_window, window_starts_at from settlement.windows where is_closed"
        " and payout_window not in (select payout_window from finance.window_closes)"
        " order by window_starts_at"
    )
    for label, starts_at in labels:
        if decided and starts_at < decided.starts_at:
            continue
        for is_stored in (True, False):
            with connect(marketplace.settings, Component.ORCHESTRATOR) as connection:
                [(answer,)] = connection.execute("select finance.store_close(%s)", [label])
                assert answer is is_stored
        window = window_of(starts_at, rules.timezone)
        posting = model.close(marketplace.facts, window, rules, posting)
    return posting


def compare_stored(
    marketplace: Marketplace, ledger: model.Ledger, *, with_health: bool = True
) -> int:
    """The stored rows of all windows so far; the health of the latest one, if stored just now."""
    settlement = [row for row in agreement.settlement_rows(ledger) if not row[-1]]
    stored = {
        "settlement": marketplace.select(
            "select r.seller_id, r.payout_window, r.gross_minor, r.fees_minor, r.taxes_minor,"
            " r.refunds_minor, r.disputes_minor, r.charges_minor, r.adjustments_minor,"
            " r.carried_forward_minor, r.net_minor, r.rail, r.order_count, c.window_starts_at,"
            " c.window_ends_at, false"
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
    if not with_health:
        stored["health"] = expected["health"] = []
    return compare(
        {view: agreement.rows(found) for view, found in stored.items()},
        {view: agreement.rows(found) for view, found in expected.items()},
        f"stored by {ledger.as_of}",
    )


@pytest.mark.slow
def test_what_is_edited_or_gone_contradicts_a_close_and_moves_nothing(
    worlds: list[World], project: Project
) -> None:
    end = window_of(AROUND_INSTANT + 28 * DAY, UTC_ZONE).ends_at
    with lived(worlds) as live:
        live.add(together(prefixed(w.facts, f"{w.seed}/") for w in worlds))
        settings = at(live.settings, end + DAY)
        project.build(settings)
        close_all(live, RULES, model.NOTHING_STORED)
        before = model.keep(live.facts, end + DAY, RULES)
        moved = spoil_stored(live, before, end)
        rechecked = {row for row in moved if row[1] >= end - 14 * DAY}
        assert (len(moved), len(rechecked)) == (3, 2)
        expected = agreement.oracle(before)
        stands = {view: expected[view] for view in ("settlement", "reserve", "entries")}
        for is_full in (False, True):
            project.build(settings, full_refresh=is_full)
            found = agreement.sql(settings, "settlement")
            compare(found, stands, f"full refresh: {is_full}")
            contradictions = live.select(
                "select e.seller_id, w.window_starts_at, (e.amount * 100)::bigint"
                " from settlement.data_exceptions as e"
                " inner join settlement.windows as w on e.payout_window = w.payout_window"
                " where e.reason = 'contradicted_close'"
            )
            assert sorted(contradictions) == sorted(moved if is_full else rechecked)


def spoil_stored(
    live: Marketplace, ledger: model.Ledger, end: datetime
) -> set[tuple[str, datetime, int]]:
    """A fee of the latest window is gone, one of the window before it edited, an old one gone."""
    moved = set()
    changes = (
        (end - 3 * DAY, "delete from marketplace.order_fees", 0),
        (end - 10 * DAY, "update marketplace.order_fees set amount = amount + 2", -2_00),
        (end - 31 * DAY, "delete from marketplace.order_fees", 0),
    )
    with connect(live.settings, Component.OWNER) as owner:
        owner.execute("alter table marketplace.order_fees disable trigger append_only")
        for at_, change, amount in changes:
            window = window_of(at_, UTC_ZONE)
            entry = next(
                e
                for e in sorted(ledger.entries, key=lambda e: e.key)
                if e.kind == "fee" and e.window == window and _is_in_dollars(ledger, e)
            )
            owner.execute(
                f"{change} where seller_id = %s and fee_id = %s".encode(),
                [entry.seller_id, entry.source_id],
            )
            moved.add((entry.seller_id, window.starts_at, amount or -entry.amount_minor))
        owner.execute("alter table marketplace.order_fees enable trigger append_only")
    return moved


def _is_in_dollars(ledger: model.Ledger, entry: model.Entry) -> bool:
    return ledger.screened.orders[entry.seller_id, entry.order_id or ""].rate == 1

"""What the marketplace and its people do in a history: sellers, facts, decisions, bad luck."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import fields, replace
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

from orchestrator.settlement.check_wallets import check_new_wallets
from tests.reference.facts import TABLES, Adjustment, Assignment, Seller, seen_at
from tests.reference.windows import window_of
from tests.simulation.killable import Program
from tests.simulation.people import FINANCE, refused
from tests.simulation.world import NEW_SELLER, SEED, new_wallet, respelled

if TYPE_CHECKING:
    from tests.simulation.history import Simulation


def begin(sim: Simulation) -> None:
    """The sellers, the policies and perhaps a low limit for one person."""
    sim.until(sim.now)
    for seller in sorted(sim.world.sellers, key=lambda s: (s.created_at, s.seller_id)):
        _insert(sim, "sellers", seller)  # a statement each: the older has named a wallet first
    for policy in sim.world.settings.policies:
        if policy not in (*SEED, NEW_SELLER):
            sim.rows(
                "insert into settlement_seeds.reserve_policies values ('standard', %s, %s, 0, 0)",
                *(policy.valid_from, policy.reserve_days),
            )
    _decide(sim)
    luck = sim.luck("the limit for one person")
    if luck.random() < 0.5:
        sim.dual_limit = luck.choice((0, 100_000, 500_000))
        query = "select finance.propose_policy('dual_approval_above', '', %s, 'careful')"
        proposal = sim.office.ask("ana", query, sim.dual_limit)
        sim.office.ask("ben", "select finance.confirm_policy(%s)", proposal)
    land(sim)


def _decide(sim: Simulation) -> None:
    """What review reasons do, what holds for new sellers, and perhaps a go-live."""
    for reason, paid in sim.world.settings.paid.items():
        sim.rows(
            "update settlement_seeds.review_actions set action = 'pay', policy = %s,"
            " lift_after_weeks = %s where review_reason = %s",
            *(paid.policy, paid.lift_after_weeks, reason),
        )
    for rule in sim.world.settings.new_sellers:
        sim.rows(
            "insert into settlement_seeds.new_seller_policies (valid_from, policy, days)"
            " values (%s, %s, %s)",
            *(rule.valid_from, rule.policy, rule.days),
        )
    decided = sim.world.go_live
    if decided:  # before it begins, so that what is built until then knows it, too
        label = window_of(decided.starts_at, sim.world.settings.timezone).label
        [(number,)] = sim.rows(
            "insert into finance.go_lives (payout_window, starts_at, note, proposed_by,"
            " approved_by, approved_at) values (%s, %s, 'from now on', 'ana', 'ben', %s)"
            " returning go_live_id",
            *(label, decided.starts_at, decided.starts_at),
        )
        for balance in decided.balances:
            sim.rows(
                "insert into finance.opening_balances values (%s, %s, %s)",
                *(number, balance.seller_id, int(balance.amount * 100)),
            )
        sim.oracle.facts = replace(sim.oracle.facts, go_live=decided)


def land(sim: Simulation) -> None:
    """The facts that are committed by now."""
    landed: dict[str, list[object]] = defaultdict(list)
    for table, fact in sim.world.landing(sim.now):
        if isinstance(fact, Assignment):
            _assign(sim, fact)
            continue
        landed[table].append(fact)
        if sim.oracle.closes and seen_at(fact) < sim.oracle.closes[-1].ends_at:
            sim.meets("a row that lands after its close", str(fact))
    for table, facts in landed.items():
        _insert(sim, table, *facts)
        sim.oracle.lands(table, facts)


def _assign(sim: Simulation, assigned: Assignment) -> None:
    """Two people have put a seller under a reserve policy."""
    sim.rows(
        "insert into finance.reserve_assignments (seller_id, policy, note, assigned_by,"
        " assigned_at, approved_by, approved_at) values (%s, %s, 'risky', 'ana', %s, 'ben', %s)",
        *(assigned.seller_id, assigned.policy, assigned.approved_at, assigned.approved_at),
    )
    sim.oracle.lands("assignments", [assigned])


def _insert(sim: Simulation, table: str, *facts: object) -> None:
    columns = [item.name for item in fields(TABLES[table])]
    places = ", ".join(["%s"] * len(columns))
    query = f"insert into marketplace.{table} ({', '.join(columns)}) values ({places})"
    sim.office.insert(query, [[getattr(fact, name) for name in columns] for fact in facts])


def resume(sim: Simulation) -> None:
    for who in sim.luck("who says go on").sample(FINANCE, 2):
        if sim.office.is_paused:
            sim.step(f"{who} says go on", lambda: sim.office.resume(who))  # noqa: B023


def build(sim: Simulation) -> str:
    with sim.sessions.builder() as database:
        sim.project.build_in(database)
    return "built"


def change_seller(sim: Simulation) -> str:
    """The marketplace's backend edits a seller."""
    rng, world = sim.luck("a seller changes"), sim.world
    seller = sim.oracle.sellers[any_seller(sim, "a seller changes")]
    change: dict[str, Any] = rng.choice(
        [
            {"wallet_address": new_wallet(rng, seller, world.settings, world.wallets)},
            {"wallet_address": rng.choice([s.wallet_address for s in world.sellers])},
            {"wallet_address": _another_spelling(rng, seller, world.wallets)},
            {"status": rng.choice(("active", "suspended", "closed"))},
            {"status": "active", "payouts_enabled": True},
            {"payouts_enabled": not seller.payouts_enabled},
            {"region": rng.choice(("APAC", "NA", "EU", "LATAM"))},
            {"fast_settlement": not seller.fast_settlement},
        ]
    )
    return edit(sim, seller.seller_id, change)


def _another_spelling(rng: Random, seller: Seller, wallets: dict[str, str | None]) -> str:
    """A mistyped EVM address is one, once its spelling has no checksum or its own."""
    wallet = respelled(rng, seller.wallet_address)
    is_evm = wallet.startswith("0x")
    wallets[wallet] = wallets[seller.wallet_address] or ("ERC-20" if is_evm else None)
    return wallet


def edit(sim: Simulation, seller_id: str, change: dict[str, Any]) -> str:
    if seller_id in sim.oracle.gone:
        return f"{seller_id} is gone"
    seller = sim.oracle.sellers[seller_id]
    changed: Seller = replace(seller, **change, updated_at=sim.now)
    names = [*change, "updated_at"]
    assignments = ", ".join(f"{name} = %s" for name in names)
    sim.rows(
        f"update marketplace.sellers set {assignments} where seller_id = %s",
        *(getattr(changed, name) for name in names),
        seller.seller_id,
    )
    sim.oracle.sellers[seller.seller_id] = changed
    sim.oracle.sees(sim.now)
    return f"{seller.seller_id}: {change}"


def vanish(sim: Simulation) -> str:
    """A seller's row is gone from the source, as after a load that was cut short, or back."""
    gone = sim.oracle.gone
    if gone:
        seller_id, seller = gone.popitem()
        _insert(sim, "sellers", seller)
        sim.oracle.sellers[seller_id] = seller
        return f"{seller_id} is back"
    seller_id = any_seller(sim, "a seller vanishes")
    seller = sim.oracle.sellers[seller_id]
    sim.product(check_new_wallets, Program())
    build(sim)  # it has been seen as it is now
    sim.rows("delete from marketplace.sellers where seller_id = %s returning 1", seller_id)
    gone[seller_id] = seller
    sim.oracle.sellers[seller_id] = replace(seller, status="closed")
    return f"{seller_id} is gone"


def adjust(sim: Simulation) -> str:
    """Entered by one, approved by another; the same person may not."""
    luck = sim.luck("an adjustment")
    (who, other), seller = luck.sample(FINANCE, 2), any_seller(sim, "an adjustment")
    cents = luck.choice((-1, 1)) * luck.randint(1, 20_000)
    enter = "select finance.enter_adjustment(%s, %s, 'goodwill')"
    number = sim.office.ask(who, enter, seller, cents)
    approve = "select (finance.approve_adjustment(%s)).adjustment_id"
    assert refused(lambda: sim.office.ask(who, approve, number))
    if said := refused(lambda: sim.office.ask(other, approve, number)):
        return said
    amount = Decimal(cents).scaleb(-2)
    sim.oracle.lands("adjustments", [Adjustment(str(number), seller, amount, sim.now)])
    return f"{seller} {amount}"


def hold(sim: Simulation) -> str:
    return sim.office.hold(sim.someone("holds"), any_seller(sim, "is held"))


def pause(sim: Simulation) -> str:
    return sim.office.pause(sim.someone("pauses"))


def block(sim: Simulation) -> str:
    """However its address is spelled."""
    wallet = sim.oracle.sellers[any_seller(sim, "is blocked")].wallet_address
    spelled = respelled(sim.luck("how a blocked wallet is spelled"), wallet)
    return sim.office.block(sim.someone("blocks"), spelled) if wallet else "no wallet"


def unblock(sim: Simulation) -> str:
    """Lifted in another spelling still; whoever set it tries in vain."""
    luck = sim.luck("a block is lifted")
    if not sim.oracle.blocked:
        return "nothing is blocked"
    wallet = respelled(luck, luck.choice(sorted(sim.oracle.blocked)))
    return sim.office.unblock(sim.someone("lifts"), wallet)


def restart(sim: Simulation) -> str:
    sim.leave()
    sim.server.stop()
    sim.server.start()
    return "and is back"


def any_seller(sim: Simulation, what: str) -> str:
    return sim.luck(f"the seller that {what}").choice(sorted(sim.oracle.sellers))

"""What happens in a history between its closes: sellers, people, payments, the rail, bad luck."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from halfin_rail import SIGNING
from reference.facts import Adjustment, Seller
from reference.olist import TABLES

from orchestrator.config import Component
from orchestrator.receiver import INSERT
from orchestrator.reconcile import reconcile
from orchestrator.signature import sign
from simulation import invariants
from simulation.killable import Program
from simulation.people import FINANCE, OUTSIDER, refused
from simulation.violation import Violation
from simulation.world import new_wallet

if TYPE_CHECKING:
    from simulation.history import Simulation


def begin(sim: Simulation) -> None:
    """The sellers, the policies and perhaps a low limit for one person."""
    sim.until(sim.now)
    for seller in sim.world.sellers:
        _insert(sim, "sellers", seller)
    for policy in sim.world.settings.policies:
        sim.rows(
            "insert into settlement_seeds.reserve_policies values (%s, %s)",
            *(policy.valid_from, policy.reserve_days),
        )
    if sim.rng.random() < 0.5:
        sim.dual_limit = sim.rng.choice((0, 100_000, 500_000))
        query = "select finance.propose_policy('dual_approval_above', '', %s, 'careful')"
        proposal = sim.office.ask("ana", query, sim.dual_limit)
        sim.office.ask("ben", "select finance.confirm_policy(%s)", proposal)
    land(sim)


def land(sim: Simulation) -> None:
    """The facts that are committed by now."""
    for table, fact in sim.world.landing(sim.now):
        _insert(sim, table, fact)
        sim.oracle.lands(table, [fact])


def _insert(sim: Simulation, table: str, fact: object) -> None:
    columns = [item.name for item in fields(TABLES[table])]
    values = [getattr(fact, column) for column in columns]
    places = ", ".join(["%s"] * len(columns))
    sim.rows(f"insert into marketplace.{table} ({', '.join(columns)}) values ({places})", *values)


def something(sim: Simulation, *, is_calm: bool) -> None:
    """One of the things that happen on any day."""
    usual: list[tuple[str, Callable[[Simulation], str]]] = [
        ("the rail works", lambda s: s.rail.work()),
        ("webhooks arrive", deliver),
        ("reconcile", lambda s: ask_rail(s, is_calm=is_calm)),
        ("a build", build),
        ("an adjustment", adjust),
    ]
    odd: list[tuple[str, Callable[[Simulation], str]]] = [
        ("a seller changes", change_seller),
        ("a seller is held", lambda s: s.office.hold(s.someone(), _any_seller(s))),
        ("a wallet is blocked", block),
        ("payouts are paused", lambda s: s.office.pause(s.someone())),
        ("a lying webhook", tampered),
        ("the database restarts", restart),
        ("pay again", lambda s: pay(s, s.window, is_calm=False) if s.window else "too early"),
    ]
    weights = [6, 6, 5, 2, 2] + ([] if is_calm else [3, 1, 0.5, 1, 2, 0.4, 2])
    [(what, act)] = sim.rng.choices(usual if is_calm else usual + odd, weights)
    sim.step(what, lambda: act(sim))
    if sim.office.is_paused and (is_calm or sim.rng.random() < 0.7):
        resume(sim)


def resume(sim: Simulation) -> None:
    for who in sim.rng.sample(FINANCE, 2):
        if sim.office.is_paused:
            sim.step(f"{who} says go on", lambda: sim.office.resume(who))  # noqa: B023


def build(sim: Simulation) -> str:
    sim.project.build(sim.settings)
    sim.oracle.sees(sim.now)
    return "built"


def change_seller(sim: Simulation) -> str:
    """The marketplace's backend edits a seller."""
    seller, rng = sim.oracle.sellers[_any_seller(sim)], sim.rng
    world = sim.world
    change: dict[str, Any] = rng.choice(
        [
            {"wallet_address": new_wallet(rng, seller, world.settings, world.wallets)},
            {"wallet_address": rng.choice([s.wallet_address for s in world.sellers])},
            {"status": rng.choice(("active", "suspended", "closed"))},
            {"status": "active", "payouts_enabled": True},
            {"payouts_enabled": not seller.payouts_enabled},
            {"region": rng.choice(("APAC", "NA", "EU", "LATAM"))},
            {"fast_settlement": not seller.fast_settlement},
        ]
    )
    return _edit(sim, seller.seller_id, change)


def _edit(sim: Simulation, seller_id: str, change: dict[str, Any]) -> str:
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
    return f"{seller.seller_id}: {change}"


def adjust(sim: Simulation) -> str:
    """Entered by one, approved by another; the same person may not."""
    who, other = sim.rng.sample(FINANCE, 2)
    seller, cents = _any_seller(sim), sim.rng.choice((-1, 1)) * sim.rng.randint(1, 20_000)
    enter = "select finance.enter_adjustment(%s, %s, 'goodwill')"
    number = sim.office.ask(who, enter, seller, cents)
    approve = "select (finance.approve_adjustment(%s)).adjustment_id"
    assert refused(lambda: sim.office.ask(who, approve, number))
    if said := refused(lambda: sim.office.ask(other, approve, number)):
        return said
    amount = Decimal(cents).scaleb(-2)
    sim.oracle.lands("adjustments", [Adjustment(str(number), seller, amount, sim.now)])
    return f"{seller} {amount}"


def block(sim: Simulation) -> str:
    wallet = sim.oracle.sellers[_any_seller(sim)].wallet_address
    return sim.office.block(sim.someone(), wallet) if wallet else "no wallet"


def restart(sim: Simulation) -> str:
    sim.office.leave()
    sim.server.stop()
    sim.server.start()
    return "and is back"


# Payday.


def payday(sim: Simulation, *, is_calm: bool) -> None:
    """Monday to Tuesday: decisions, approvals, the payout; or what keeps it from happening."""
    window = sim.window
    sim.step("checks", lambda: sim.office.accept_checks(window))
    for seller, reasons in sorted(sim.oracle.reasons[window].items()):
        if reasons and sim.rng.random() < 0.5:
            who = sim.someone()
            sim.step(f"release {seller}", lambda: sim.office.release(who, window, seller))  # noqa: B023
    approvers = sim.rng.sample(FINANCE, 3 if is_calm else sim.rng.randint(0, 3))
    for who in approvers:
        sim.step(f"{who} approves", lambda: sim.office.approve(who, window))  # noqa: B023
        if sim.rng.random() < 0.2:
            sim.step(f"{who} again", lambda: sim.office.approve(who, window))  # noqa: B023
        if not is_calm and sim.rng.random() < 0.1:
            sim.step(f"{who} revokes", lambda: sim.office.revoke(who, window))  # noqa: B023
    sim.step("an outsider", lambda: _outsider(sim, window))
    if not is_calm and sim.rng.random() < 0.5:
        second_thoughts(sim, window)
    if not is_calm and sim.rng.random() < 0.15:
        sim.step("pay too early", lambda: pay(sim, window, is_calm=False))
    sim.until(sim.due() + timedelta(minutes=sim.rng.randrange(600)))
    for _ in range(1 if is_calm else sim.rng.randint(1, 3)):
        sim.step("pay", lambda: pay(sim, window, is_calm=is_calm))
        if sim.is_rejected(window):
            for who in approvers:
                sim.step(f"{who} approves anew", lambda: sim.office.approve(who, window))  # noqa: B023
            sim.step("pay anew", lambda: pay(sim, window, is_calm=is_calm))
        if not is_calm and sim.rng.random() < 0.5:
            something(sim, is_calm=False)
    if is_calm:
        sim.step("all is paid", lambda: paid_in_calm(sim, window))


def second_thoughts(sim: Simulation, window: str) -> None:
    """What changes between the approval and the payout: only less may be paid for it."""
    who, seller = sim.someone(), sim.rng.choice(sorted(sim.oracle.rows[window] or [""]))
    if not seller:
        return
    match sim.rng.choice(("hold", "release", "wallet", "pause", "suspend")):
        case "hold":
            sim.step(f"hold {seller}", lambda: sim.office.hold(who, seller))
        case "release":
            sim.step(f"release {seller}", lambda: sim.office.release(who, window, seller))
        case "wallet":
            wallet = new_wallet(
                sim.rng, sim.oracle.sellers[seller], sim.world.settings, sim.world.wallets
            )
            sim.step("a new wallet", lambda: _edit(sim, seller, {"wallet_address": wallet}))
        case "suspend":
            sim.step("a suspension", lambda: _edit(sim, seller, {"status": "suspended"}))
        case "pause":
            sim.step("pause", lambda: sim.office.pause(who))
            sim.until(sim.due())
            sim.step("pay in the pause", lambda: pay(sim, window, is_calm=False))
            if sim.rng.random() < 0.7:
                resume(sim)


def paid_in_calm(sim: Simulation, window: str) -> str:
    """With everybody's approval and a rail without moods, whoever can be paid is."""
    conflicts = invariants.conflicts(sim, window)
    ready = [s for s in sim.oracle.rows[window] if not sim.oracle.holds_now(window, s, conflicts)]
    states = sim.rows(
        "select state from finance.payout_batches where payout_window = %s and state <> 'rejected'",
        window,
    )
    if ready and states != [("accepted",)]:
        raise Violation(
            "alive", f"{window} has {len(ready)} ready lines, and its batch is {states}"
        )
    return f"{len(ready)} lines"


def _outsider(sim: Simulation, window: str) -> str:
    """Somebody who may read and nothing else tries what only finance may."""
    for query in (
        "select finance.approve('{0}', (select digest from finance.payable('{0}')))",
        "select finance.freeze_batch('{0}')",
        "select finance.pause_payouts('because')",
    ):
        said = refused(lambda: sim.office.ask(OUTSIDER, query.format(window)))  # noqa: B023
        assert said, query
    return "refused three times"


def pay(sim: Simulation, window: str, *, is_calm: bool) -> str:
    """`settle pay`, which may die, be overtaken by another or by webhooks."""

    def second() -> None:
        program = Program(waits=False)
        said = sim.product(lambda settings: sim.pay_window(settings, window), program)
        sim.log.append(f"     overtaken by another pay: {said}")

    def early() -> None:
        sim.log.append(f"     meanwhile: {sim.rail.work()}, {deliver(sim)}")

    guest = sim.rng.choice((second, early))
    program = sim.unlucky(guest, is_calm=is_calm)
    return sim.product(lambda settings: sim.pay_window(settings, window), program)


def ask_rail(sim: Simulation, *, is_calm: bool) -> str:
    """`settle reconcile`."""
    program = sim.unlucky(lambda: None, is_calm=is_calm)
    said = sim.product(reconcile, program)
    sim.is_reconciled = said.isdigit()
    return said


# What the rail tells by itself.


def deliver(sim: Simulation) -> str:
    """Some of the webhooks under way, in any order; some are lost, some come twice."""
    sim.rng.shuffle(sim.rail.waiting)
    count, sent = sim.rng.randint(0, len(sim.rail.waiting)), 0
    for _ in range(count):
        event = sim.rail.waiting.pop()
        if sim.rng.random() < 0.15:
            continue
        _expect_of(sim, event)
        for _ in range(2 if sim.rng.random() < 0.2 else 1):
            land_webhook(sim, event)
            sent += 1
    return f"{sent} of {count} webhooks"


def land_webhook(sim: Simulation, event: dict[str, Any]) -> None:
    body = json.dumps(event).encode()
    signature = sign(SIGNING, int(sim.now.timestamp()), body)
    sim.office.ask(Component.WEBHOOK.value, f"{INSERT} returning 1", signature, body)


def _expect_of(sim: Simulation, event: dict[str, Any]) -> None:
    """A payout that completes after we heard of its failure needs a person."""
    if event["event"] == "payout.completed":
        for (line_id,) in sim.rows(
            "select line_id from finance.payout_lines where payout_id = %s and state = 'failed'",
            event["data"]["id"],
        ):
            sim.expected_alerts.add(("completed_after_failed", line_id))


def tampered(sim: Simulation) -> str:
    """A signed webhook about one of our payouts that says something else than we asked for."""
    known = [p for p in sim.rail.book.in_order if p["status"] in ("pending_approval", "processing")]
    if not known:
        return "there is nothing to lie about"
    payout = dict(sim.rng.choice(known), status="completed")
    lie: dict[str, str] = sim.rng.choice(
        (
            {"amount": f"{Decimal(payout['amount']) + 1:.6f}"},
            {"destination": payout["destination"][::-1]},
            {"environment": "live"},
            {"currency": "USDT_NONE"},
            {"id": "00000000-0000-4000-8000-000000000000", "metadata": ""},
        )
    )
    # Another payout with the same amount: only its id and key tell them apart.
    data = payout | lie | ({"idempotency_key": None} if "id" in lie else {})
    before = sim.rows("select line_id, state from finance.payout_lines order by line_id")
    at = sim.rail_time()
    land_webhook(sim, {"event": "payout.completed", "created_at": at, "data": data})
    after = sim.rows("select line_id, state from finance.payout_lines order by line_id")
    if before != after:
        raise Violation("webhooks", f"{lie} moved a line: {set(after) - set(before)}")
    subject = data["id"] if "id" in lie else (payout["metadata"] or {}).get("line_id", "")
    sim.expected_alerts.add(("break", subject))
    return f"{lie}"


def settle_down(sim: Simulation) -> None:
    """Everything that is under way comes to its end."""
    if sim.office.is_paused:
        resume(sim)
    unfinished = "select payout_window from finance.payout_batches where state not in"
    for (window,) in sim.rows(f"{unfinished} ('accepted', 'rejected') order by batch_id"):
        sim.step(f"pay {window}", lambda: pay(sim, window, is_calm=True))  # noqa: B023
    for _ in range(3):
        sim.until(sim.now + timedelta(hours=2))
        sim.step("the rail ends all", lambda: sim.rail.work(1.0))
        sim.step("reconcile", lambda: ask_rail(sim, is_calm=True))


def _any_seller(sim: Simulation) -> str:
    return sim.rng.choice(sorted(sim.oracle.sellers))

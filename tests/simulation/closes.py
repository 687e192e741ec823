"""A close, and what must hold after each: weekly build = full refresh = stored = the oracle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.settlement.check_wallets import check_new_wallets
from orchestrator.settlement.close import store_closes
from tests.models import agreement
from tests.reference import model
from tests.simulation import acts
from tests.simulation.journal import check_journal
from tests.simulation.killable import Program
from tests.simulation.violation import Violation

if TYPE_CHECKING:
    from tests.simulation.history import Simulation

RAIL, STARTS_AT = 11, 13  # places in a row of agreement's settlement


def close(sim: Simulation) -> None:
    """Sunday night: addresses are checked, models built, closes stored; all of it is compared."""
    label = sim.before(sim.zone_window).label
    sim.step("wallets", lambda: sim.product(check_new_wallets, Program()))
    sim.step("build", lambda: acts.build(sim))
    ledger = sim.oracle.ledger(sim.now, _lines(sim))
    failures = _failures(sim)
    expected = agreement.oracle(ledger)
    if sim.oracle.first(sim.now) >= sim.zone_window.number:
        expected["health"].clear()  # no window has ended yet in which anything could be available
    _compare(sim, "weekly build", sides(sim), expected)
    _contradictions(sim)
    _conserved(sim)
    check_journal(sim)
    if sim.world.go_live and sim.now < sim.world.go_live.starts_at:
        return  # whoever paid before still does
    luck = sim.luck("a close dies")
    if luck.random() < 0.15:
        sim.step("close", lambda: _store(sim, label, Program(dies_at=luck.randint(2, 12))))
    sim.step("close", lambda: _store(sim, label, Program()))
    labels = sim.oracle.close(ledger, failures)
    if not labels:  # the marketplace's first week: its refusal says so
        return
    _stored(sim, labels, ledger)
    for seller, reasons in sim.oracle.reasons[labels[-1]].items():
        if "wallet_unchecksummed" in reasons:
            sim.meets("a wallet in one case", f"{labels[-1]}/{seller}")
    # Next week's build would show it, too, where it is wrong: not each close is worth the time.
    if sim.luck("a full refresh").random() > 0.35:
        return
    _compare(sim, "after the close", sides(sim), expected)
    with sim.sessions.builder() as database, sim.project.trial(database):
        found = agreement.read(database, "settlement")
    _compare(sim, "full refresh", found, expected)


def _store(sim: Simulation, label: str, program: Program) -> str:
    return sim.product(lambda settings: store_closes(settings, label).stored, program)


def sides(sim: Simulation) -> agreement.Sides:
    return agreement.read(sim.sessions.reader(), "settlement")


def _compare(sim: Simulation, what: str, found: agreement.Sides, expected: agreement.Sides) -> None:
    """Row by row; but for the rails of windows that only a later close made up for."""
    try:
        sim.compared += agreement.compare(_current(sim, found), _current(sim, expected), what)
    except AssertionError as error:
        raise Violation(what, str(error)) from None


def _current(sim: Simulation, sides: agreement.Sides) -> agreement.Sides:
    latest = sim.before(sim.zone_window).starts_at
    rows: agreement.Rows = type(sides["settlement"])()
    for row, count in sides["settlement"].items():
        is_older = row[STARTS_AT] < latest
        rows[(*row[:RAIL], None, *row[RAIL + 1 :]) if is_older else row] += count
    return {**sides, "settlement": rows}


def _lines(sim: Simulation) -> list[model.Line]:
    found = sim.rows(
        "select seller_id, payout_window, amount_minor::numeric / 100, frozen_at, returned_at,"
        " retaken_at from finance.payout_lines"
    )
    return [model.Line(*line) for line in found]


def _failures(sim: Simulation) -> dict[str, int]:
    """Failed lines of each seller since the last that arrived, by the windows they paid."""
    numbers = {window.label: window.number for window in sim.oracle.closes}
    lines = sim.rows(
        "select seller_id, payout_window, line_id, state from finance.payout_lines"
        " where state in ('completed', 'failed', 'returned')"
    )
    counts: dict[str, int] = {}
    for seller, _, _, state in sorted(lines, key=lambda line: (numbers[line[1]], line[2])):
        counts[seller] = 0 if state == "completed" else counts.get(seller, 0) + 1
    return counts


def _stored(sim: Simulation, labels: list[str], ledger: model.Ledger) -> None:
    """What was stored is what the oracle says, holds included."""
    for label in labels:
        mine = {
            row[0]: row[1:]
            for row in sim.rows(
                "select seller_id, gross_minor, fees_minor, taxes_minor, refunds_minor,"
                " disputes_minor, charges_minor, adjustments_minor, carried_forward_minor,"
                " net_minor, order_count"
                " from finance.window_close_rows where payout_window = %s",
                label,
            )
        }
        own = {
            seller: (
                *(r.gross, r.fees, r.taxes, r.refunds, r.disputes, r.charges),
                *(r.adjustments, r.carried_forward, r.net, r.order_count),
            )
            for seller, r in sim.oracle.rows[label].items()
        }
        if mine != own:
            raise Violation("stored = oracle", f"{label}: stored {mine}, oracle {own}")
    flags = sim.rows(
        "select payout_window, seller_id, policy, review_reasons, applies_from"
        " from finance.flag_assignments order by flag_assignment_id"
    )
    own_flags = [
        (f.payout_window, f.seller_id, f.policy, sorted(f.reasons), f.applies_from)
        for f in sim.oracle.flags.changed
    ]
    if [(*flag[:3], sorted(flag[3]), flag[4]) for flag in flags] != own_flags:
        raise Violation("flags", f"{labels}: {flags}, oracle {own_flags}")
    latest = labels[-1]
    held = dict(
        sim.rows(
            "select seller_id, hold_reasons from finance.window_close_rows"
            " where payout_window = %s",
            latest,
        )
    )
    if held != sim.oracle.reasons[latest]:
        raise Violation("holds", f"{latest}: {held}, oracle {sim.oracle.reasons[latest]}")
    stored = sim.rows(
        "select seller_id, needs_review, health_score::text from finance.window_close_health"
        " where payout_window = %s",
        latest,
    )
    healthy = [
        (h.seller_id, h.needs_review, str(h.health_score)) for h in model.health_rows(ledger)
    ]
    if sorted(stored) != sorted(healthy):
        raise Violation("stored = oracle", f"health of {latest}: {stored}, oracle {healthy}")


def _contradictions(sim: Simulation) -> None:
    """No fact is edited or gone in a history, and what comes late contradicts nothing."""
    found = sim.rows(
        "select payout_window, seller_id from settlement_core.int_close_contradictions"
    )
    if found:
        raise Violation("contradictions", f"made up {found}")


def _conserved(sim: Simulation) -> None:
    """Pending + available + in transit + paid is what all entries come to, for each seller."""
    wrong: list[Any] = sim.rows(
        "select r.seller_id, (r.pending_balance + r.available_balance + r.in_transit + r.paid_out),"
        " e.amount from settlement.seller_reserve as r left join ("
        " select seller_id, sum(amount_minor) / 100.0 as amount from settlement.entries"
        " group by seller_id) as e on r.seller_id = e.seller_id"
        " where r.pending_balance + r.available_balance + r.in_transit + r.paid_out"
        " <> coalesce(e.amount, 0)"
    )
    if wrong:
        raise Violation("conserved", f"{wrong}")

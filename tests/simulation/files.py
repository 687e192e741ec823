"""Decisions that come as a file: all of it or nothing, whatever is wrong with one row."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

from tests.reference.facts import Adjustment
from tests.simulation.people import refused
from tests.simulation.violation import Violation

if TYPE_CHECKING:
    from tests.simulation.history import Simulation

Rows = list[dict[str, Any]]
DECIDED = ("hold_releases", "seller_holds", "wallet_blocks", "adjustments")


def spoilt(luck: Random, rows: Rows, **wrong: str) -> Rows:
    """The rows with one more that no file may have: twice there, unknown, empty, or `wrong`."""
    line = len(rows) + 2
    twin = luck.choice(rows) | {"line": line}
    bad = luck.choice(
        (twin, {"line": line, "seller_id": "nobody"}, {"line": line}, twin | wrong, twin | wrong)
    )
    return [*rows, bad]


def refused_whole(sim: Simulation, who: str, query: str, *parameters: object) -> str:
    """Nothing of a bad file may be there afterwards."""
    before = _decided(sim)
    said = refused(lambda: sim.office.ask(who, query, *parameters))
    if said is None:
        raise Violation("all or nothing", f"a bad file was taken: {parameters}")
    if _decided(sim) != before:
        raise Violation("all or nothing", f"a part of a bad file was taken: {parameters}")
    sim.meets("a bad file of decisions", said)
    return said


def _decided(sim: Simulation) -> list[tuple[Any, ...]]:
    return [
        row
        for table in DECIDED
        for row in sim.rows(
            f"select count(*), md5(string_agg(t::text, '|' order by t::text))"
            f" from finance.{table} as t"
        )
    ]


def hold(sim: Simulation) -> str:
    """Several sellers at once, who are not held yet; a bad file first, now and then."""
    luck, who = sim.luck("a file of holds"), sim.someone("holds by file")
    sellers = sorted(set(sim.oracle.sellers) - sim.oracle.held - set(sim.oracle.gone))
    chosen = luck.sample(sellers, min(2, len(sellers)))
    if not chosen:
        return "all are held"
    rows: Rows = [{"line": n, "seller_id": s} for n, s in enumerate(chosen, start=2)]
    query = "select finance.hold_sellers(%s, 'a file')"
    if luck.random() < 0.5:
        held = min(sim.oracle.held, default="nobody")
        bad = spoilt(luck, rows, seller_id=held)
        sim.step(
            "a bad file of holds",
            lambda: refused_whole(sim, who, query, json.dumps(bad)),
        )
    said = refused(lambda: sim.office.ask(who, query, json.dumps(rows)))
    if not said:
        sim.oracle.held.update(chosen)
        sim.meets("a file of decisions", f"holds {sim.now} {chosen}")
    return said or f"held {chosen}"


def adjust(sim: Simulation) -> str:
    """Entered by one, approved as a whole by another."""
    luck = sim.luck("a file of adjustments")
    who, other = luck.sample(("ana", "ben", "cem"), 2)
    sellers = luck.sample(sorted(sim.oracle.sellers), 2)
    cents = [luck.choice((-1, 1)) * luck.randint(1, 20_000) for _ in sellers]
    rows: Rows = [
        {"line": n, "seller_id": s, "amount": f"{c / 100:.2f}", "type": "correction"}
        for n, (s, c) in enumerate(zip(sellers, cents, strict=True), start=2)
    ]
    enter = "select finance.enter_adjustments(%s, 'a file')"
    if luck.random() < 0.5:
        bad = spoilt(luck, rows, amount="1.234")
        sim.step(
            "a bad file of adjustments",
            lambda: refused_whole(sim, who, enter, json.dumps(bad)),
        )
    number = sim.office.ask(who, enter, json.dumps(rows))
    approve = "select (finance.approve_adjustments(%s)).row_count"
    refused_whole(sim, who, approve, number)
    if said := refused(lambda: sim.office.ask(other, approve, number)):
        return said
    found = sim.rows(
        "select a.adjustment_id::text, a.seller_id, a.amount_minor::numeric / 100"
        " from finance.adjustments as a where a.file_id = %s order by a.adjustment_id",
        number,
    )
    asked = [(s, c) for s, c in zip(sellers, cents, strict=True)]
    if [(seller, int(amount * 100)) for _, seller, amount in found] != asked:
        raise Violation("all or nothing", f"of {asked} there is {found}")
    sim.oracle.lands("adjustments", [Adjustment(*row, sim.now) for row in found])
    sim.meets("a file of decisions", f"adjustments {sim.now} {asked}")
    return f"{asked}"

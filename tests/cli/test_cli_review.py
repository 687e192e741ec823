"""What `settle review` and `settle receipt` tell of a window's figures, kind by kind."""

from decimal import Decimal

import pytest

from orchestrator.config import Component
from orchestrator.database.connection import connect
from tests.cli.people import Desk, open_desk
from tests.support.closed_week import WINDOW

# Two facts of the window came late, one of an older window did, and one had no effect.
FACTS = """
insert into finance.window_close_facts (
    payout_window, source_table, source_id, seller_id, posted_at
)
select f.payout_window, 'refunds', f.id, 's', case when f.is_posted then c.window_starts_at end
from (
    values
    (%(window)s, 'late-1', true), (%(window)s, 'late-2', true), (%(window)s, 'idle', false),
    (%(older)s, 'late-3', true)
) as f (payout_window, id, is_posted)
inner join finance.window_closes as c on f.payout_window = c.payout_window
"""
EXCEPTIONS = """
insert into settlement_core.int_exceptions (
    source_table, source_id, seller_id, reason, amount, is_without_effect, known_at
)
select 'refunds', e.id, 's', e.reason, 1.00, e.is_without_effect, c.window_starts_at
from (
    values
    ('x1', 'claim_above_gross', false), ('x2', 'claim_above_gross', true),
    ('x3', 'posted_late', false)
) as e (id, reason, is_without_effect)
cross join finance.window_closes as c
where c.payout_window = %(window)s
"""
GO_LIVE = """
with went as (
    insert into finance.go_lives (
        payout_window, starts_at, note, proposed_by, approved_by, approved_at
    )
    select c.payout_window, c.window_starts_at, 'the old system ends', 'ana', 'ben', c.closed_at
    from finance.window_closes as c where c.payout_window = %(window)s
    returning go_live_id
)
insert into finance.opening_balances
select went.go_live_id, s.id, s.minor
from went cross join (values ('a', 5000), ('b', -490)) as s (id, minor)
"""
PARTS = ("gross", "fees", "taxes", "refunds", "disputes", "charges", "adjustments")


@pytest.fixture(scope="module")
def desk() -> Desk:
    desk = open_desk()
    with connect(desk.settings, Component.OWNER) as owner:
        row = owner.execute(
            "select max(payout_window) from finance.window_closes where payout_window < %s",
            [WINDOW],
        ).fetchone()
        assert row
        for query in (FACTS, EXCEPTIONS, GO_LIVE):
            owner.execute(query.encode(), {"window": WINDOW, "older": row[0]})
    return desk


def test_what_is_new_is_told_kind_by_kind(desk: Desk) -> None:
    found = desk.json("review", WINDOW)
    [stored] = desk.rows(
        Component.ORCHESTRATOR,
        "select " + ", ".join(f"sum({name}_minor) as {name}" for name in PARTS)
        + " from finance.window_close_rows where payout_window = %s",
        WINDOW,
    )  # fmt: skip
    parts = {name: Decimal(found["new_by_type"][name]) for name in PARTS}
    assert parts == {name: stored[name] / 100 for name in PARTS}
    assert parts["taxes"] > 0
    taken = sum(parts[name] for name in PARTS[1:-1])
    assert parts["gross"] - taken + parts["adjustments"] == Decimal(found["new"])
    said = desk.settle.done("review", WINDOW).splitlines()
    [head] = [n for n, line in enumerate(said) if line.startswith("New this week")]
    assert said[head + 1].split() == list(PARTS)
    assert said[head + 2].split() == [found["new_by_type"][name] for name in PARTS]


def test_what_came_late_is_counted_for_information(desk: Desk) -> None:
    found = desk.json("review", WINDOW)
    assert found["posted_late"] == 2
    assert "posted_late" not in [row["reason"] for row in found["exceptions"]]
    assert "2 facts came after the close that they belonged to" in desk.settle.done(
        "review", WINDOW
    )


def test_exceptions_tell_how_many_have_no_effect(desk: Desk) -> None:
    found = {row["reason"]: row for row in desk.json("review", WINDOW)["exceptions"]}
    [known] = desk.rows(
        Component.ORCHESTRATOR,
        "select count(*) as count, count(*) filter (where is_without_effect) as without_effect"
        " from settlement.data_exceptions where reason = 'claim_above_gross'",
    )
    assert found["claim_above_gross"] == {"reason": "claim_above_gross"} | known
    assert known["without_effect"] < known["count"]


def test_opening_balances_are_told_apart_from_what_is_new(desk: Desk) -> None:
    assert desk.json("review", WINDOW)["opening_balances"] == "45.10"
    assert "45.10 USD carried in from the old system" in desk.settle.done("review", WINDOW)

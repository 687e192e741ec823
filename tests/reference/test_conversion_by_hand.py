"""Currencies, rounding, reversals, charges and taxes, worked by hand from the rules in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from . import model
from .facts import Facts
from .rows import DAY, MONDAY, charge, event, fee, history, order, refund

LATER = MONDAY + 100 * DAY
HOUR = timedelta(hours=1)


def amounts(facts: Facts) -> dict[str, int]:
    return {e.source_id: e.amount_minor for e in model.entries(facts, LATER)}


def found(facts: Facts) -> list[tuple[str, str]]:
    return [(row.id, row.reason) for row in model.exceptions(facts, LATER)]


def foreign(currency: str, gross: str, rate: str | None) -> model.Order:
    rate_of = Decimal(rate) if rate else None
    return replace(order(gross), currency=currency, exchange_rate=rate_of)


def test_refunds_in_parts_give_back_the_whole_to_the_cent() -> None:
    """Each third alone is 0.335, which would round to 0.34: the running sum is converted."""
    parts = [refund(f"r{n}", "50", MONDAY + n * DAY) for n in range(3)]
    facts = history(foreign("JPY", "150", "0.0067"), *parts)
    assert amounts(facts) == {"o1": 1_01, "r0": -34, "r1": -33, "r2": -34}


def test_an_effect_of_nothing_makes_no_entry() -> None:
    facts = history(
        foreign("JPY", "150", "0.0067"),
        refund("r1", "50", MONDAY),  # 0.335 is shown as 0.34
        refund("r2", "1", MONDAY + HOUR),  # 0.3417 is 0.34 still
        refund("r3", "150", MONDAY + DAY),
        refund("r4", "1", MONDAY + 2 * DAY),  # nothing is left
    )
    assert amounts(facts) == {"o1": 1_01, "r1": -34, "r3": -67}
    assert found(facts) == [("r3", "claim_clamped"), ("r4", "claim_clamped")]


def test_halves_are_rounded_away_from_zero() -> None:
    facts = history(
        order(),
        fee("f1", "0.005"),
        fee("f2", "-0.015"),
        charge("c1", "1.105"),
        charge("c2", "-1.105"),
    )
    assert amounts(facts) == {"o1": 100_00, "f1": -1, "f2": 2, "c1": -1_11, "c2": 1_11}
    assert found(facts) == [
        *(("f1", "rounded"), ("f2", "fee_credit_above_fees"), ("f2", "rounded")),
        *(("c1", "rounded"), ("c2", "rounded")),
    ]


def test_a_currency_has_its_own_decimals_and_needs_a_rate() -> None:
    good = {("KWD", "0.125", "3.2551"): 41, ("JPY", "3", "0.0067"): 2, ("USD", "1.10", "9"): 1_10}
    for columns, cents in good.items():
        assert amounts(history(foreign(*columns))) == {"o1": cents}
    bad = {
        ("KWD", "0.1255", "3"): "too_many_decimals",
        ("JPY", "3.5", "0.0067"): "too_many_decimals",
        ("EUR", "3.50", None): "no_exchange_rate",
        ("EUR", "3.50", "0"): "no_exchange_rate",
        ("XXX", "3.50", "1"): "unknown_currency",
    }
    for columns, reason in bad.items():
        assert found(history(foreign(*columns))) == [("o1", reason)]
        assert amounts(history(foreign(*columns))) == {}


def test_a_refund_that_bounced_can_be_made_again() -> None:
    facts = history(
        refund("r1", "100.00", MONDAY),
        refund("b1", "100.00", MONDAY + DAY, reverses="r1"),
        refund("r2", "100.00", MONDAY + 2 * DAY),
    )
    assert amounts(facts) == {"o1": 100_00, "r1": -100_00, "b1": 100_00, "r2": -100_00}


def test_a_reversal_gives_back_what_earlier_ones_left() -> None:
    facts = history(
        refund("r1", "60.00", MONDAY + DAY),
        refund("b1", "40.00", MONDAY + 2 * DAY, reverses="r1"),
        refund("b2", "40.00", MONDAY + 3 * DAY, reverses="r1"),
        refund("b3", "40.00", MONDAY + 4 * DAY, reverses="r1"),
    )
    assert amounts(facts) == {"o1": 100_00, "r1": -60_00, "b1": 40_00, "b2": 20_00}
    assert found(facts) == [("b2", "reversal_above_refund"), ("b3", "reversal_above_refund")]
    assert model.health(facts, MONDAY + 14 * DAY)[0].trailing_30d_refunds == 0


def test_a_reversal_that_came_before_its_refund_is_known_with_it() -> None:
    facts = history(
        refund("b1", "40.00", MONDAY, reverses="r1"),
        refund("r1", "60.00", MONDAY + DAY),
    )
    before = model.keep(facts, MONDAY + DAY - HOUR, model.DEFAULTS)
    assert [row.reason for row in model.all_exceptions(before)] == ["reverses_unknown_refund"]
    # What happened first comes first: the reversal finds nothing to give back yet.
    assert amounts(facts) == {"o1": 100_00, "r1": -20_00}


def test_bad_reversals_have_no_effect() -> None:
    facts = history(
        order(),
        replace(order(), order_id="o2"),
        refund("r1", "60.00", MONDAY),
        refund("r2", "0.00", MONDAY),
        refund("b1", "1.00", MONDAY, reverses="nothing"),
        refund("b2", "1.00", MONDAY, reverses="r2"),
        replace(refund("b3", "1.00", MONDAY, reverses="r1"), order_id="o2"),
        refund("b4", "1.00", MONDAY, reverses="r1"),
        refund("b5", "1.00", MONDAY, reverses="b4"),
    )
    assert amounts(facts) == {"o1": 100_00, "o2": 100_00, "r1": -60_00, "b4": 1_00}
    assert found(facts) == [
        ("b1", "reverses_unknown_refund"),
        ("b2", "reverses_refund_without_effect"),
        ("b3", "reverses_refund_of_other_order"),
        ("b5", "reverses_a_reversal"),
        ("r2", "amount_not_positive"),
    ]


def test_a_dispute_over_a_checkout_is_borne_by_each_order() -> None:
    facts = history(
        order(),
        replace(order(), order_id="o2"),
        event("opened", "40.00", MONDAY, "e1"),
        event("opened", "70.00", MONDAY, "e2", order_id="o2"),
        event("won", "70.00", MONDAY + DAY, "e3", order_id="o2"),
    )
    assert amounts(facts) == {"o1": 100_00, "o2": 100_00, "e1": -40_00, "e2": -70_00, "e3": 70_00}


def test_taxes_and_charges_have_columns_of_their_own() -> None:
    facts = history(
        order(),
        fee("f1", "12.00"),
        fee("f2", "19.00", fee_type="tax"),
        fee("f3", "-9.00", fee_type="tax_refund"),
        charge("c1", "30.00", MONDAY + 8 * DAY),
    )
    [row, *_] = model.settlement(facts, LATER)
    assert (row.gross, row.fees, row.taxes, row.charges) == (100_00, 12_00, 10_00, 30_00)
    assert row.net == 48_00
    assert model.health(facts, MONDAY + 14 * DAY)[0].trailing_30d_fees == 12_00

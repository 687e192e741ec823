"""Health worked by hand from the rules in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from . import model
from .facts import Order
from .health import rate
from .rows import DAY, MONDAY, event, fee, history, order, refund

MICROSECOND = timedelta(microseconds=1)
END = MONDAY + 28 * DAY


def sale(order_id: str, gross: str, at: datetime) -> Order:
    return replace(order(gross, at), order_id=order_id)


def test_every_figure_of_one_seller() -> None:
    facts = history(
        sale("o0", "5000.00", END - 30 * DAY - MICROSECOND),
        sale("o1", "2300.00", END - 30 * DAY),
        sale("o2", "2100.00", END - 7 * DAY),
        replace(sale("o3", "99.00", END - 8 * DAY), recorded_at=END),  # known too late
        fee("f1", "100.00", END - 9 * DAY),
        fee("f2", "-30.00", END - MICROSECOND),
        refund("r1", "44.00", END - 9 * DAY),
        event("opened", "132.00", END - 9 * DAY),
        event("won", "132.00", END - 8 * DAY),
    )
    [row] = model.health(facts, END + DAY)
    assert (row.trailing_30d_gross, row.trailing_30d_fees) == (4400_00, 70_00)
    assert (row.dispute_rate, row.refund_rate) == (Fraction(3, 100), Fraction(1, 100))
    assert row.spike_ratio == 3
    # 100 x (1 - 0.60 x 0.6 - 0.15 x 0.05 - 0.25 x 2/3) = 46.583...
    assert row.health_score == Decimal("46.6")
    assert row.review_reasons == ("disputes", "spike", "score")
    assert model.health(facts, END - MICROSECOND)[0].as_of == END - 7 * DAY


def test_new_volume_has_no_spike_ratio() -> None:
    for gross, reasons in (("5000.00", ("new_volume",)), ("4999.99", ())):
        [row] = model.health(history(sale("o1", gross, END - 7 * DAY)), END)
        assert (row.spike_ratio, row.health_score) == (None, Decimal("100.0"))
        assert (row.review_reasons, row.needs_review) == (reasons, bool(reasons))


def test_a_seller_stays_on_the_list_when_nothing_is_left_to_count() -> None:
    [row] = model.health(history(), END + 100 * DAY)
    assert (row.trailing_30d_gross, row.health_score) == (0, Decimal("100.0"))
    assert model.health(history(), MONDAY) == []  # known at T is not known before it


def test_rates_and_rounding() -> None:
    assert [rate(0, 0), rate(1, 0), rate(3, 2), rate(1, 4)] == [0, 1, 1, Fraction(1, 4)]
    assert model.round_half_away(Fraction(-25, 1000), 2) == Decimal("-0.03")
    assert model.round_half_away(Fraction(46_55, 100), 1) == Decimal("46.6")
    assert str(model.round_half_away(Fraction(0), 1)) == "0.0"

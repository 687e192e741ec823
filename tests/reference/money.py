"""Amounts: exact fractions of a currency, rounded once into integer cents."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction


def has_at_most(amount: Decimal, decimals: int) -> bool:
    """By value: 10.00 and 10.000 have at most two decimal places, 10.005 has not."""
    return amount.is_finite() and 10**decimals % amount.as_integer_ratio()[1] == 0


def round_half_away(value: Fraction, places: int) -> Decimal:
    """Exact rounding, halves away from zero; the result carries `places` decimals."""
    return Decimal(_units(value, 10**places)).scaleb(-places)


def cents(value: Fraction) -> int:
    """An amount of the settlement currency in cents, halves away from zero."""
    return _units(value, 100)


def _units(value: Fraction, per_one: int) -> int:
    """In whole units, halves away from zero; in integers, as fractions cost most of a reading."""
    above, below = abs(value.numerator) * per_one, value.denominator
    whole = (2 * above + below) // (2 * below)
    return -whole if value.numerator < 0 else whole


def minor(amount: Decimal) -> int:
    """An amount of the settlement currency that has at most two decimal places, in cents."""
    if not has_at_most(amount, 2):
        raise ValueError(f"{amount} has more than two decimal places")
    return cents(Fraction(amount))

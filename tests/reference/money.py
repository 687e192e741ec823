"""Amounts: exact fractions of a currency, rounded once into integer cents."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction


def has_at_most(amount: Decimal, decimals: int) -> bool:
    """By value: 10.00 and 10.000 have at most two decimal places, 10.005 has not."""
    return amount.is_finite() and (Fraction(amount) * 10**decimals).denominator == 1


def round_half_away(value: Fraction, places: int) -> Decimal:
    """Exact rounding, halves away from zero; the result carries `places` decimals."""
    scaled = abs(value) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(-whole if value < 0 else whole).scaleb(-places)


def cents(value: Fraction) -> int:
    """An amount of the settlement currency in cents, halves away from zero."""
    return int(round_half_away(value, 2).scaleb(2))


def minor(amount: Decimal) -> int:
    """An amount of the settlement currency that has at most two decimal places, in cents."""
    if not has_at_most(amount, 2):
        raise ValueError(f"{amount} has more than two decimal places")
    return cents(Fraction(amount))

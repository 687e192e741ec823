"""Writes seeds/currencies.csv from the published ISO 4217 table: `make currencies`."""

from iso4217 import Currency

from orchestrator.config import PROJECT_ROOT

SEED = PROJECT_ROOT / "seeds" / "currencies.csv"


def currencies_seed() -> str:
    """The active currencies with their decimals; metals, units and test codes have none."""
    decimals = {c.code: c.exponent for c in Currency if c.exponent is not None}
    return "\n".join(["currency,decimals", *(f"{c},{decimals[c]}" for c in sorted(decimals)), ""])


if __name__ == "__main__":
    SEED.write_text(currencies_seed(), encoding="utf-8")

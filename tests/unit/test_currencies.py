"""The seed of currencies is the published table, code for code."""

from tools.currencies import SEED, currencies_seed


def test_the_seed_is_the_published_table() -> None:
    assert SEED.read_text(encoding="utf-8") == currencies_seed(), "run `make currencies`"


def test_the_published_table_has_currencies_without_and_with_three_decimals() -> None:
    seed = set(currencies_seed().splitlines())
    assert seed >= {"USD,2", "EUR,2", "JPY,0", "KWD,3", "IDR,2", "CLF,4"}
    assert not any(line.startswith(("XAU", "XXX", "XTS")) for line in seed)

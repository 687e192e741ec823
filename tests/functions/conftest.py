"""The market that most tests of paying want, and one for those that change the schema."""

from collections.abc import Iterator

import pytest

from tests.functions.market import Market


@pytest.fixture
def market() -> Iterator[Market]:
    with Market.open() as market:
        yield market


@pytest.fixture
def fresh() -> Iterator[Market]:
    """For a test that changes the schema."""
    with Market.open(is_fresh=True) as market:
        yield market

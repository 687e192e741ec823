"""The market of a seller who may be erased."""

from collections.abc import Iterator

import pytest

from tests.functions.erasure.seller_to_erase import closed_since, paid
from tests.functions.market import Market


@pytest.fixture
def market() -> Iterator[Market]:
    with Market.open() as market:
        paid(market)
        closed_since(market)
        yield market

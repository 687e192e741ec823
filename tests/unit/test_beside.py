"""What a thread hands over is used while it works; what it raises is raised."""

import threading
from collections.abc import Callable

import pytest

from orchestrator.dbt.beside import beside
from orchestrator.errors import SettleError


def test_each_item_is_there_before_the_next_is_made() -> None:
    used = threading.Event()

    def work(hand_over: Callable[[int], None]) -> None:
        hand_over(1)
        assert used.wait(timeout=30)
        hand_over(2)

    items = beside(work)
    assert next(items) == 1
    used.set()
    assert list(items) == [2]


def test_what_the_work_raises_is_raised_after_what_it_handed_over() -> None:
    def work(hand_over: Callable[[int], None]) -> None:
        hand_over(1)
        raise SettleError("it failed")

    items = beside(work)
    assert next(items) == 1
    with pytest.raises(SettleError, match="it failed"):
        next(items)

"""Heads that tests of the state machines share: where a market stands, and what is asked of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.functions.market import Line, Market
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.rail_events import BEGIN, LINE, take

# A seller whom health has flagged, and a person may release.
FLAGGED = Line("s3", 50_000, holds=("manual_review",))

# What people ask of a window, and of a seller in it.
APPROVE = "select finance.approve(%s, %s)"
RELEASE = "select finance.release_hold(%s, %s, 'known to us')"
CLOSE_BREAK = "select finance.close_break(%s, 'not paid, says halfin')"
# What programs ask.
FREEZE = "select finance.freeze_batch(%s)"
COMPARE = "select finance.compare_books()"


@contextmanager
def due(*lines: Line) -> Iterator[Market]:
    """A window that is closed, approved by one person and due."""
    with Market.open() as market:
        market.approved(*lines)
        yield market


@contextmanager
def frozen(*lines: Line) -> Iterator[Market]:
    """Its batch, of one line where none is named, has the number 1; nothing of it is sent."""
    with due(*(lines or (LINE,))) as market:
        assert market.freeze() == 1
        yield market


@contextmanager
def on_its_way() -> Iterator[Market]:
    """A batch of one line; its first attempt has no response yet."""
    with frozen() as market:
        market.rows(ORCHESTRATOR, BEGIN, 1)
        yield market


@contextmanager
def sent() -> Iterator[Market]:
    """A batch of one line that the rail has taken; its payout has no outcome yet."""
    with frozen() as market:
        take(market, "answer")
        yield market


def fail_check(market: Market, detail: str = "3 rows differ") -> None:
    """The window's only check fails."""
    market.rows(OWNER, "update handover.window_checks set is_passed = false, detail = %s", detail)

"""A hold is released on Wednesday: the command line pays another run, over real HTTP."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config import Component
from tests.cli.people import Desk, exported, open_desk, ready_sellers
from tests.functions.market import books, rail
from tests.halfin.sandbox import KEY
from tests.support.closed_week import FINANCE, SECOND, WINDOW

NOTE = ("--note", "they called back")
ONE_PER_SELLER = (
    "select count(*) as lines, count(distinct seller_id) as sellers, count(distinct payout_id) as"
    " payouts from finance.payout_lines where payout_window = %s and state <> 'rejected'"
)


@pytest.fixture(scope="module")
def desk() -> Desk:
    return open_desk()


@pytest.fixture(scope="module")
def held(desk: Desk) -> str:
    """The seller whom somebody holds until Wednesday."""
    return ready_sellers(desk)[0]


@pytest.fixture(scope="module")
def url(desk: Desk, held: str) -> Iterator[str]:
    """The rail, which has paid the first run."""
    desk.done(FINANCE, "hold", held, *NOTE)
    with rail() as url:
        approve(desk, SECOND)
        assert pay(desk, url) == f"The batch of {WINDOW} is accepted.\n"
        yield url


def approve(desk: Desk, name: str) -> str:
    return desk.done(name, "approve", WINDOW, "--digest", desk.digest())


def environment(url: str) -> dict[str, str]:
    return {"HALFIN_BASE_URL": url, "HALFIN_API_KEY": KEY}


def pay(desk: Desk, url: str) -> str:
    return desk.settle.done("pay", WINDOW, **environment(url))


def status(desk: Desk) -> dict[str, Any]:
    [row] = desk.json("status", WINDOW)
    assert isinstance(row, dict)
    return row


def test_what_is_released_on_wednesday_is_paid_on_wednesday(
    desk: Desk, held: str, url: str, tmp_path: Path
) -> None:
    first = desk.json("review", WINDOW)
    assert (first["run"], first["state"], len(first["runs"])) == (1, "accepted", 1)
    assert (
        pay(desk, url) == f"The batch of {WINDOW} is accepted already; nothing was left to send.\n"
    )

    desk.done(FINANCE, "release", WINDOW, held, *NOTE)
    review = desk.json("review", WINDOW)
    assert (review["run"], review["state"], review["line_count"]) == (2, "stored", 1)
    assert review["batch"] is None
    assert review["approvals"] == []
    assert [r["line_count"] for r in review["by_rail"]] == [1]
    assert review["by_rail"][0]["total"] == review["total"]
    said = desk.settle.refused("pay", WINDOW, **environment(url))
    assert said == (
        f"run 2 of {WINDOW} is not approved: review it and approve digest {review['digest']}"
    )
    # The digest of the first run approves nothing any more.
    stale = ("approve", WINDOW, "--digest", first["digest"])
    assert desk.refused(SECOND, *stale).startswith(f"the digest of run 2 of {WINDOW} is now")
    file = Path(desk.settle.done("export", WINDOW, "--to", str(tmp_path)).rstrip("\n"))
    digest, rows = exported(file)
    assert digest == review["digest"]
    assert [(row["seller_id"], row["run"]) for row in rows] == [(held, "2")]

    assert approve(desk, FINANCE).startswith(f"{FINANCE} approved run 2 of {WINDOW}, digest ")
    assert desk.settle.refused("pay", WINDOW, **environment(url)) == (
        f"{FINANCE} released a held seller of {WINDOW} and is its only approver:"
        " somebody else must approve too"
    )
    approve(desk, SECOND)
    assert desk.json("review", WINDOW)["state"] == "approved"
    assert pay(desk, url) == f"The batch of run 2 of {WINDOW} is accepted.\n"
    assert books(url)["batches"] == 2
    [counts] = desk.rows(Component.ORCHESTRATOR, ONE_PER_SELLER, WINDOW)
    assert counts["lines"] == counts["sellers"] == counts["payouts"] == books(url)["payouts"]


def test_all_that_is_read_of_a_window_counts_both_runs(desk: Desk, held: str, url: str) -> None:
    desk.settle.done("reconcile", **environment(url))
    row = status(desk)
    assert [(r["run"], r["state"]) for r in row["runs"]] == [(1, "accepted"), (2, "accepted")]
    assert row["paid"] == sum(r["line_count"] for r in row["runs"])
    paid = sum(Decimal(r["total"]) for r in row["runs"])
    assert (row["open_breaks"], Decimal(row["paid_amount"])) == (0, paid)
    said = desk.settle.done("status", WINDOW)
    total = row["runs"][1]["total"]
    assert re.search(rf"{WINDOW}\W+2\W+accepted\W+1\W+{re.escape(total)}", said), said
    said = desk.settle.done("review", WINDOW)
    assert "Runs (2)" in said
    receipt = desk.json("receipt", WINDOW, held)
    assert (receipt["state"], receipt["total"]) == ("completed", receipt["amount"])
    assert receipt["amount"] == total


def test_marts_have_the_run_and_reconcile_both(desk: Desk, held: str, url: str) -> None:
    desk.settle.done("build")
    runs = desk.rows(
        Component.ORCHESTRATOR,
        "select run, count(*) as lines from settlement.payouts where payout_window = %s"
        " group by run order by run",
        WINDOW,
    )
    assert [row["run"] for row in runs] == [1, 2]
    assert runs[1]["lines"] == 1
    rails = desk.rows(
        Component.ORCHESTRATOR,
        "select sum(completed_count) as paid, sum(sent_count) as sent, sum(failed_count) as failed"
        " from settlement.reconciliation where payout_window = %s",
        WINDOW,
    )
    assert rails == [
        {"paid": sum(r["lines"] for r in runs), "sent": sum(r["lines"] for r in runs), "failed": 0}
    ]
    carried = desk.rows(
        Component.ORCHESTRATOR,
        "select carried_forward from settlement.seller_settlement"
        " where seller_id = %s and status = 'open' order by window_starts_at limit 1",
        held,
    )
    assert all(row["carried_forward"] == 0 for row in carried)

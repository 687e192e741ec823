"""The demo on real data: two years of Olist closed as history, then three payout weeks, paid.

The generated demo, a home with an awkward path and the tutorial's trace are in test_week.py.
"""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows
from tests.support.postgres import open_home
from tests.support.settings import make_settings
from tests.support.shell import Shell

pytestmark = pytest.mark.nightly(
    "two years of real data take minutes: make test pays three generated weeks in test_week.py,"
    " and compares the sample's figures in test_olist.py"
)
WEEKS = ["2018-W33", "2018-W34", "2018-W35"]


@pytest.fixture(scope="module")
def paid(olist: Path) -> Settings:
    """The home after the demo; skipped where the sample is not there."""
    home = open_home("demo")
    answer = Shell(home)("demo", "--data", str(olist))
    assert (answer.code, answer.err) == (0, ""), answer
    assert answer.out.count("pay (Tuesday), webhooks back") == 3
    return make_settings(home)


def ask(settings: Settings, query: str) -> list[dict[str, Any]]:
    with connect(settings, Component.ORCHESTRATOR) as database:
        return rows(database, query)


def test_history_is_closed_in_one_run_and_three_weeks_are_paid(paid: Settings) -> None:
    batches = ask(paid, "select * from finance.payout_batches order by payout_window")
    assert [(b["payout_window"], b["state"]) for b in batches] == [(w, "accepted") for w in WEEKS]
    lines = ask(paid, "select state, payout_window from finance.payout_lines")
    assert {line["state"] for line in lines} == {"completed", "failed"}
    counts = Counter(line["payout_window"] for line in lines)
    assert [counts[b["payout_window"]] for b in batches] == [b["line_count"] for b in batches]
    closes = ask(paid, "select distinct closed_at from finance.window_closes")
    assert len(closes) == 4  # the history's many windows in one, then one a week
    [windows] = ask(
        paid,
        "select count(*) as n, count(*) filter (where c.payout_window is null) as missing"
        " from settlement.windows as w left join finance.window_closes as c using (payout_window)"
        f" where w.payout_window <= '{WEEKS[-1]}'",
    )
    assert windows["n"] > 80
    assert windows["missing"] == 0
    assert ask(paid, "select * from finance.breaks") == []


def test_the_rails_own_books_agree_by_key_and_by_sum(paid: Settings) -> None:
    books = json.loads((paid.home / "sandbox.json").read_text())
    theirs = {
        p["idempotency_key"]: (p["status"], Decimal(p["amount"]), p["destination"], p["currency"])
        for p in books["payouts"].values()
    }
    lines = ask(paid, "select *, amount_minor::numeric / 100 as amount from finance.payout_lines")
    assert len(theirs) == len(lines) > 1000
    assert theirs == {
        line["idempotency_key"]: (
            *(line["state"], line["amount"], line["wallet_address"], line["rail_currency"]),
        )
        for line in lines
    }
    sent: Counter[str] = Counter()
    for row in books["ledger"]:
        if row["type"] == "payout":
            sent[row["currency"]] -= Decimal(row["amount"])  # type: ignore[assignment]
    ours: Counter[str] = Counter()
    for line in lines:
        if line["state"] == "completed":
            ours[line["rail_currency"]] += line["amount"]
    assert sent == ours
    assert len(sent) == 3


def test_what_failed_came_back_and_every_cent_is_accounted_for(paid: Settings) -> None:
    failed = ask(
        paid,
        "select l.amount_minor, l.returned_at, r.carried_forward_minor, s.status"
        " from finance.payout_lines as l"
        " inner join settlement.seller_settlement as s using (payout_window, seller_id)"
        " inner join finance.window_closes as w using (payout_window)"
        " inner join finance.window_closes as next on w.window_ends_at = next.window_starts_at"
        " left join finance.window_close_rows as r"
        "   on l.seller_id = r.seller_id and next.payout_window = r.payout_window"
        " where l.state = 'failed'",
    )
    assert len(failed) > 10
    for line in failed:
        assert line["returned_at"] is not None
        assert line["status"] == "failed"
        assert line["carried_forward_minor"] == line["amount_minor"]
    wrong = ask(
        paid,
        "select e.seller_id, e.entered, coalesce(l.paid, 0) as paid, r.net_minor"
        " from (select seller_id, sum(amount_minor) as entered from settlement.entries"
        "   where available_at < (select window_ends_at from finance.window_closes"
        f"     where payout_window = '{WEEKS[-1]}') group by seller_id) as e"
        " left join (select seller_id, sum(amount_minor) as paid from finance.payout_lines"
        f"   where state = 'completed' and payout_window < '{WEEKS[-1]}' group by seller_id) as l"
        "   on e.seller_id = l.seller_id"
        " left join finance.window_close_rows as r on e.seller_id = r.seller_id"
        f"   and r.payout_window = '{WEEKS[-1]}'"
        " where e.entered - coalesce(l.paid, 0) <> coalesce(r.net_minor, 0)",
    )
    assert wrong == []
    shown = ask(
        paid,
        "select l.state, s.status, count(*) as n from finance.payout_lines as l"
        " inner join settlement.seller_settlement as s using (payout_window, seller_id)"
        " group by 1, 2 order by 1",
    )
    assert [(row["state"], row["status"]) for row in shown] == [
        ("completed", "paid"),
        ("failed", "failed"),
    ]

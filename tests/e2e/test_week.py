"""The demo, small: three payout weeks over real HTTP and processes, and the tutorial's trace."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config import PROJECT_ROOT, Component, Settings
from orchestrator.database.connection import connect, rows
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.loading.csv_files import FACTS
from tests.support.postgres import open_folder
from tests.support.settings import make_settings
from tests.support.shell import ShellInProcess

# Three in a hundred payouts fail, as the new installation's keys have it: of so many lines, some.
DEMO = ["demo", "--sellers", "200", "--weeks", "5"]
pytestmark = pytest.mark.many(
    "five closes by processes of their own: make test pays weeks over HTTP that are smaller"
)


def settle(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SETTLE_", "HALFIN_"))}
    return subprocess.run(
        [sys.executable, "-m", "orchestrator", *arguments],
        env={**clean, "SETTLE_HOME": str(home), "SETTLE_PASSWORD": "secret-of-a-test"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.fixture(scope="module")
def week() -> Iterator[Settings]:
    """A home whose path has spaces and more than 200 characters, after the demo."""
    home = open_folder("a home") / ("long " * 40).strip() / ".settle"
    home.parent.mkdir(parents=True)
    done = settle(home, *DEMO)
    assert done.returncode == 0, done.stdout + done.stderr
    yield make_settings(home)
    EmbeddedPostgres(home).stop()


def query(settings: Settings, text: str) -> list[dict[str, Any]]:
    with connect(settings, Component.ORCHESTRATOR) as database:
        return rows(database, text)


@pytest.mark.slow
def test_three_batches_are_paid_and_every_line_has_an_outcome(week: Settings) -> None:
    batches = query(week, "select state, line_count from finance.payout_batches")
    assert [b["state"] for b in batches] == ["accepted"] * 3
    lines = query(week, "select state, count(*) as n from finance.payout_lines group by state")
    assert {line["state"] for line in lines} == {"completed", "failed"}
    assert sum(line["n"] for line in lines) == sum(b["line_count"] for b in batches)


def test_the_rails_books_are_ours(week: Settings) -> None:
    ours = {
        row["idempotency_key"]: (row["amount"], row["state"], row["wallet_address"])
        for row in query(
            week,
            "select idempotency_key, (amount_minor::numeric / 100)::numeric(20, 6)::text as amount,"
            " state, wallet_address from finance.payout_lines",
        )
    }
    books = json.loads((week.home / "sandbox.json").read_text())
    payouts = books["payouts"]
    theirs = {
        p["idempotency_key"]: (p["amount"], p["status"], p["destination"])
        for p in (payouts.values() if isinstance(payouts, dict) else payouts)
    }
    assert theirs == ours


def test_failed_money_comes_back_and_rolls_into_the_next_window(week: Settings) -> None:
    [failed] = query(
        week,
        "select count(*) as n, count(*) filter (where l.returned_at is null) as waiting,"
        " count(*) filter (where next.carried_forward is distinct from"
        "   (l.amount_minor::numeric / 100)) as lost"
        " from finance.payout_lines as l"
        " inner join settlement.windows as w on l.payout_window = w.payout_window"
        " left join settlement.seller_settlement as next"
        "   on next.seller_id = l.seller_id and next.window_starts_at = w.window_ends_at"
        " where l.state = 'failed'",
    )
    assert failed["n"] > 0
    assert (failed["waiting"], failed["lost"]) == (0, 0)
    shown = query(
        week,
        "select distinct s.status from settlement.seller_settlement as s"
        " inner join finance.payout_lines as l using (seller_id, payout_window)",
    )
    assert {row["status"] for row in shown} == {"paid", "failed"}


def test_late_rows_arrive_and_contradict_no_close(week: Settings) -> None:
    """A refund and a dispute of one order may leave each other nothing to take: none is lost."""
    missing = waiting = 0
    for source in FACTS:
        with (week.home / "late" / source.file_name).open(encoding="utf-8") as file:
            for late in csv.DictReader(file):
                waiting += 1
                missing += not query(
                    week,
                    f"select 1 from marketplace.{source.table}"
                    f" where seller_id = '{late['seller_id']}'"
                    f" and {source.id} = '{late[source.id]}'",
                )
    assert waiting > 0
    assert missing == 0
    [found] = query(
        week,
        "select count(*) filter (where reason = 'contradicted_close') as contradicted,"
        " count(*) filter (where is_without_effect"
        " and reason not in ('claim_above_gross', 'posted_late')) as lost"
        " from settlement.data_exceptions",
    )
    assert found == {"contradicted": 0, "lost": 0}


def test_the_demo_ends_with_a_policy_tried_on_its_weeks(week: Settings) -> None:
    [found] = query(
        week,
        "select b.document ->> 'tried' as tried, b.document ->> 'against' as against,"
        " b.document ->> 'to' as last, max(c.payout_window) as closed"
        " from finance.backtests as b cross join finance.window_closes as c group by b.backtest_id",
    )
    assert found == {**found, "tried": "two weeks", "against": "live", "last": found["closed"]}
    assert (week.home / "two-weeks.html").read_text(encoding="utf-8").count('class="chart"') == 4


@pytest.mark.nightly("a second demo of three weeks")
def test_the_same_demo_again_pays_nothing_again(week: Settings) -> None:
    before = query(week, "select * from finance.payout_lines order by line_id")
    again = settle(week.home, *DEMO)
    assert again.returncode == 0, again.stdout + again.stderr
    assert query(week, "select * from finance.payout_lines order by line_id") == before


def printed(page: str, home: Path) -> list[list[dict[str, str]]]:
    """What the commands of a page's trace print, a table for each of them."""
    text = (PROJECT_ROOT / page).read_text(encoding="utf-8")
    found = re.search(r"<!-- trace -->\n```sh\n(.*?)```", text, re.DOTALL)
    assert found
    script = found.group(1).replace(
        ".venv/bin/settle", f'SETTLE_HOME="{home}" "{sys.executable}" -m orchestrator'
    )
    done = subprocess.run(
        ["bash", "-c", script.replace("\n# ", '\necho "---"\n# ')],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    parts = done.stdout.removeprefix("---\n").split("---\n")
    return [list(csv.DictReader(io.StringIO(part))) for part in parts]


def test_readme_traces_an_order_that_is_there(week: Settings) -> None:
    [entries] = printed("README.md", week.home)
    assert {"order", "fee", "refund"} <= {entry["entry_type"] for entry in entries}


def test_the_tutorial_follows_one_order(week: Settings) -> None:
    order, facts, entries, row, approvals, line = printed("docs/tutorial.md", week.home)
    assert len(order) == 1
    assert len(facts) >= 1
    cents = {e["entry_type"]: int(e["amount_minor"]) for e in entries}
    converted = Decimal(order[0]["gross_amount"]) * Decimal(order[0]["exchange_rate"] or 1)
    assert cents["order"] == int((converted * 100).quantize(Decimal(1), ROUND_HALF_UP))
    assert row[0]["status"] == line[0]["state"].replace("completed", "paid") == "paid"
    assert {a["approved_by"] for a in approvals} == {"ana", "ben"}
    assert {a["net_minor"] for a in approvals} == {line[0]["amount_minor"]}
    assert row[0]["net"].replace(".", "") == line[0]["amount_minor"]
    assert line[0]["tx_hash"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["review", "2026-53"], 2, "is not an ISO week"),
        (["review", "2025-W53"], 2, "is not an ISO week"),
        (["review", "1999-W01"], 1, "window 1999-W01 does not exist: there are those from"),
        (["close", "2199-W01"], 1, "is still open"),
        (["pay", "1999-W01"], 1, "window 1999-W01 has no stored close"),
        (["build", "--as-of", "yesterday"], 2, "is not an instant"),
        (["load", "/nowhere"], 1, "/nowhere"),
        (["sql", "selec 1"], 1, "syntax error"),
        (["sql", "delete from finance.alerts"], 1, ""),
        (["user", "add", "settle_x", "--group", "finance"], 1, "belongs to the system"),
    ],
)
def test_refusals_are_one_clear_line(
    week: Settings, arguments: list[str], code: int, said: str
) -> None:
    shell = ShellInProcess(week.home, SETTLE_PASSWORD="secret-of-a-test")
    assert said in (shell.refused if code == 1 else shell.misused)(*arguments)


def test_review_says_what_scripts_read(week: Settings) -> None:
    [latest] = query(week, "select max(payout_window) as name from finance.payout_batches")
    done = settle(week.home, "review", latest["name"], "--json")
    document = json.loads(done.stdout)
    keys = {
        "payout_window",
        "state",
        "digest",
        "currency",
        "line_count",
        "total",
        "by_rail",
        "holds",
    }
    assert keys <= document.keys()
    [batch] = query(
        week,
        "select digest, finance.money(total_minor) as total from finance.payout_batches"
        f" where payout_window = '{latest['name']}'",
    )
    assert (document["digest"], document["total"]) == (batch["digest"], batch["total"])
    assert document["state"] == "accepted"

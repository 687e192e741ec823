"""What the pages read grows with what they show, not with the years behind it."""

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest

from orchestrator.config import Component
from orchestrator.database.connection import connect, sql_file
from orchestrator.web.desk import queries as views
from orchestrator.web.portal.queries import KEEP_PLANS
from tests.support.closed_week import WINDOW, closed_week
from tests.support.long_history import SELLER, add_windows, mark_as_paid

FEW, MANY = 60, 180  # windows: more than any list shows, and three times that
AT_MOST, TIMES = 1.3, 4
WEEKLY = 50  # blocks: tables with a row a week are small, and several queries of a page read them
OLDER = "2026-W40"
# With a row per seller and window, or more.
HISTORY = {
    *("window_close_rows", "window_close_entries", "window_close_health", "payout_lines"),
    *("line_windows", "approval_lines", "webhook_events", "window_close_facts"),
    *("orders", "order_fees", "refunds", "dispute_events", "seller_charges"),
}
PORTAL = {
    "statement": "select portal.statement(portal.settlement_timezone())",
    "orders": "select portal.reserve_orders(0, 100)",
    "receipt": "select portal.receipt(%(window)s)",
}


def files(queries: Mapping[str, str]) -> list[str]:
    return [sql_file(name) for name in queries.values()]


PAGES = {
    "windows": (files(views.HOME), None),
    "a window": (files(views.WINDOW | views.RELEASES), WINDOW),
    "an older window": (files(views.WINDOW), OLDER),
    "who is held": (files(views.HELD), WINDOW),
    "approve": (files(views.APPROVE), WINDOW),
    "export": (files(views.HEAD | {"lines": "window/export"}), OLDER),
    "find a seller": ([sql_file("seller/search")], None),
    "one seller": (files(views.SELLER), None),
    **{
        name: (files(queries), None)
        for name, queries in views.LISTS.items()
        if all(query.startswith("decisions/") for query in queries.values())
    },
    **{f"seller's {name}": ([query], OLDER) for name, query in PORTAL.items()},
}
# All of one seller, so it grows with that seller's own past.
YEAR = {"seller's year": (["select portal.year_of_a_seller(2026)"], None)}
Page = tuple[list[str], str | None]
Owner = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def owner() -> Iterator[Owner]:
    with connect(closed_week().copy(), Component.OWNER, autocommit=True) as owner:
        yield owner


@pytest.fixture(scope="module")
def blocks(owner: Owner) -> dict[str, tuple[int, int]]:
    """Of each page, the blocks it reads with FEW windows behind it and with MANY."""
    add_windows(owner, 1, FEW)
    few = {name: read_blocks(owner, page) for name, page in PAGES.items()}
    add_windows(owner, FEW + 1, MANY)
    return {name: (few[name], read_blocks(owner, page)) for name, page in PAGES.items()}


def named(window: str | None) -> dict[str, Any]:
    shown = {"limit": 50, "reason": "flagged", "sort": "change"}
    return {"window": window, "run": None, "all": False, "text": "harbor", "seller": SELLER} | shown


def begin(owner: Owner, page: Page) -> None:
    """As the transaction of such a page begins."""
    owner.execute("select set_config('portal.seller', %s, true)", [SELLER])
    if any("portal." in query for query in page[0]):
        owner.execute(KEEP_PLANS)


def read_blocks(owner: Owner, page: Page) -> int:
    """The least of a few times: the first ones also read the catalog, to plan."""
    queries, window = page
    with owner.transaction():
        begin(owner, page)
        totals = []
        for _ in range(TIMES):
            total = 0
            for query in queries:
                explain = f"explain (analyze, buffers, format json) {query}"
                row = owner.execute(explain.encode(), named(window)).fetchone()
                assert row
                plan = row[0][0]["Plan"]
                total += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
            totals.append(total)
    return min(totals)


def scanned(owner: Owner, page: Page, plan: str) -> set[str]:
    """The tables of the history that the page's queries read from one end to the other, functions
    that they call included."""
    queries, window = page
    with owner.transaction():
        begin(owner, page)
        owner.execute("select set_config('plan_cache_mode', %s, true)", [f"force_{plan}_plan"])
        before = sequential_scans(owner)
        for query in queries:
            owner.execute(query.encode(), named(window), prepare=True)
        after = sequential_scans(owner)
    return {table for table, count in after.items() if count > before.get(table, 0)} & HISTORY


def sequential_scans(owner: Owner) -> dict[str, int]:
    query = "select relname, seq_scan from pg_stat_xact_user_tables where seq_scan > 0"
    return dict(owner.execute(query).fetchall())


def calls(owner: Owner, page: Page) -> dict[str, int]:
    """How often the page's queries call functions of finance, those within functions included."""
    queries, window = page
    count = (
        "select funcid::regprocedure::text, calls from pg_stat_xact_user_functions"
        " where schemaname = 'finance'"
    )
    with owner.transaction():
        owner.execute("set local track_functions = 'all'")
        begin(owner, page)
        before = dict(owner.execute(count).fetchall())
        for query in queries:
            owner.execute(query.encode(), named(window))
        after = dict(owner.execute(count).fetchall())
    return {name: n - before.get(name, 0) for name, n in after.items()}


@pytest.mark.parametrize("is_paid", [False, True])
def test_each_query_of_a_page_judges_a_window_once(owner: Owner, is_paid: bool) -> None:
    """To judge it is what these pages cost: current_holds, of all sellers. What account each wallet
    is was stored when it was checked."""
    with owner.transaction(force_rollback=True):
        if is_paid:
            mark_as_paid(owner, WINDOW)
        judged = {name: calls(owner, page) for name, page in PAGES.items() if page[1] != OLDER}
    times = {
        name: found.get("finance.current_holds(text,text)", 0) for name, found in judged.items()
    }
    # Where there are lines, those with one are judged apart from those without.
    of_lines = 2 if is_paid else 1
    assert {name: n for name, n in times.items() if n} == {
        "windows": 1,
        "a window": of_lines,
        "who is held": 2,
        "approve": of_lines,
    }
    # Nor is a function called for each seller to read the wallets that they name now.
    for function in ("finance.wallet_account(text)", "finance.named_wallet(text)"):
        assert {name for name, found in judged.items() if found.get(function, 0)} == set()


@pytest.mark.parametrize("page", PAGES)
def test_page_reads_do_not_grow_with_history(blocks: dict[str, tuple[int, int]], page: str) -> None:
    few, many = blocks[page]
    assert many <= AT_MOST * few + WEEKLY


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("plan", ["custom", "generic"])
@pytest.mark.parametrize("page", PAGES | YEAR)
def test_no_page_scans_a_history_table(owner: Owner, page: str, plan: str) -> None:
    assert scanned(owner, (PAGES | YEAR)[page], plan) == set()


@pytest.mark.parametrize(
    ("indexes", "page", "table"),
    [
        # Each could stand in for the others.
        (
            (
                *("window_close_entries_seller", "window_close_entries_window"),
                "window_close_entries_pkey",
            ),
            "seller's receipt",
            "window_close_entries",
        ),
        (
            ("payout_lines_window", "payout_lines_one_standing", "payout_lines_seller"),
            "windows",
            "payout_lines",
        ),
    ],
)
def test_a_missing_index_is_detected(
    owner: Owner,
    blocks: dict[str, tuple[int, int]],
    indexes: tuple[str, ...],
    page: str,
    table: str,
) -> None:
    """The two tests above can fail."""
    with owner.transaction(force_rollback=True):
        for index in indexes:
            drop = (
                f"alter table finance.{table} drop constraint {index}"
                if index.endswith("_pkey")
                else f"drop index finance.{index}"
            )
            owner.execute(drop.encode())
        assert table in scanned(owner, PAGES[page], "custom")
        assert read_blocks(owner, PAGES[page]) > AT_MOST * blocks[page][0] + WEEKLY

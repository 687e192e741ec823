"""The verbs that fill a database and look into it: load, generate, sql."""

import re
from pathlib import Path

import psycopg
import pytest

from orchestrator.config import Component
from tests.support.closed_week import NOW, WINDOW, ClosedWeek, closed_week
from tests.support.postgres import open_home
from tests.support.shell import Shell, ShellInProcess

AT = "2026-11-02T09:30:00Z"
FILES = {
    "sellers.csv": [
        "seller_id,display_name,region,fast_settlement,wallet_address,status,created_at,updated_at",
        f"s1,Shop,EU,false,,active,{AT},{AT}",
    ],
    "orders.csv": [
        "order_id,checkout_id,seller_id,currency,gross_amount,ordered_at",
        f"o1,c1,s1,USD,100.00,{AT}",
        f"o2,c1,s1,USD,20.00,{AT}",
    ],
}


@pytest.fixture(scope="module")
def empty() -> Shell:
    """`settle` in a home where nothing was ever built."""
    return ShellInProcess(open_home("data"), SETTLE_NOW=NOW.isoformat())


@pytest.fixture(scope="module")
def week() -> ClosedWeek:
    return closed_week()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write(tmp_path / "data", FILES)


def write(folder: Path, files: dict[str, list[str]]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, lines in files.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder


def test_verbs_before_the_first_build_name_the_next_step(empty: Shell) -> None:
    for verb in ("review 2026-W46", "status", "check"):
        said = empty.refused(*verb.split())
        assert said.endswith("is not there: nothing is built yet; run: settle build"), said
    assert empty.refused("pay", "2026-W46") == "window 2026-W46 has no stored close"
    process = Shell(empty.home, SETTLE_NOW=NOW.isoformat())
    assert process.done("reconcile") == "0 lines got an outcome or came back.\n"


def test_a_check_wants_a_build_that_knows_the_latest_close(week: ClosedWeek) -> None:
    assert week.shell_here.refused("check") == (
        f"the live build is older than the close of {WINDOW}, and a check reads from it what did"
        " not change; run: settle build"
    )


def test_invalid_row_is_named_and_nothing_is_loaded(empty: Shell, data: Path) -> None:
    bad = [*FILES["orders.csv"], f"o3,c1,s1,USD,1.0O5,{AT}", f",c1,s1,USD,-,{AT}"]
    process = Shell(empty.home, SETTLE_NOW=NOW.isoformat())
    answer = process("load", str(write(data, {"orders.csv": bad})))
    assert (answer.code, answer.out) == (1, "")
    *named, summary = answer.err.splitlines()
    assert named == [
        "orders.csv:4: gross_amount: '1.0O5' is not an amount; write it like 1234.50",
        "orders.csv:5: order_id: is empty; every row needs one; also bad: gross_amount",
    ]
    assert summary.startswith("settle: nothing was loaded: ")
    assert empty.done("sql", "select count(*) as n from marketplace.sellers") == "n\n0\n"


def test_reloading_is_idempotent_and_conflicting_rows_are_refused(empty: Shell, data: Path) -> None:
    assert empty.done("load", str(data)) == (
        "sellers: 1 new, 0 known already\norders: 2 new, 0 known already\n"
    )
    assert empty.done("load", str(data)) == (
        "sellers: 0 new, 1 known already\norders: 0 new, 2 known already\n"
    )
    write(data, {"orders.csv": [line.replace("20.00", "21.00") for line in FILES["orders.csv"]]})
    answer = empty("load", str(data))
    assert answer.code == 1
    assert "'o2' is stored with another gross_amount; a fact never changes" in answer.err
    assert empty.done("sql", "select sum(gross_amount) as n from marketplace.orders") == (
        "n\n120.00\n"
    )
    assert "marketplace.sellers holds other rows" in empty.refused("generate", "--sellers", "3")


def test_directories_without_csv_files_are_refused(empty: Shell, tmp_path: Path) -> None:
    assert "is not a directory" in empty.refused("load", str(tmp_path / "nowhere"))
    assert "holds no CSV file" in empty.refused("load", str(tmp_path))


def test_generating_again_is_idempotent(week: ClosedWeek) -> None:
    again = week.shell.done("generate", "--sellers", "12", "--weeks", "4").splitlines()
    assert again[0] == "sellers: 12 known already"
    assert len(again) == 6
    more = ("generate", "--sellers", "13", "--weeks", "4")
    assert "holds other rows" in week.shell_here.refused(*more)


@pytest.mark.parametrize(
    ("query", "printed"),
    [
        ("select 1 as a, 'x,y' as b, null as c, true as d", 'a,b,c,d\n1,"x,y",,t\n'),
        ("select 'ü' as ü where 'ab' like 'a%' -- of course", "ü\nü\n"),
        ("values (1), (2);", "column1\n1\n2\n"),
        ("table finance.clock", f"only_row,now_at\nt,{NOW:%Y-%m-%d %H:%M:%S}+00\n"),
    ],
)
def test_a_query_is_printed_as_csv(week: ClosedWeek, query: str, printed: str) -> None:
    settle = week.shell if "ü" in query else week.shell_here
    assert settle.done("sql", query) == printed


EVIL = "insert into finance.wallet_checks values ('evil', null, false, 'evil')"


@pytest.mark.parametrize(
    ("query", "why"),
    [
        (f"{EVIL} returning 1", "syntax error"),
        ("delete from marketplace.sellers returning 1", "syntax error"),
        ("with w as (delete from marketplace.sellers returning 1) table w", "data-modifying"),
        ("select finance.raise_alert('evil', 'evil', 'evil')", "read-only transaction"),
        ("select set_config('transaction_read_only', 'off', true)", "read-write mode"),
        (f"select 1; {EVIL}", "syntax"),
        (f"select 1) to stdout; commit; {EVIL}; copy (select 1", "syntax"),
        (f"select 1); commit; {EVIL}; select (1", "multiple commands"),
        ("select 1) to program 'touch /tmp/settle-evil' --", "syntax"),
        ("selec 1", "syntax error"),
        ("select * from nowhere", 'relation "nowhere" does not exist'),
        ("select rolpassword from pg_authid", "permission denied"),
        ("select 1 / (3 - n) from generate_series(1, 3) as n", "division by zero"),
        ("", "syntax"),
    ],
)
def test_sql_refuses_writes_and_multiple_statements(week: ClosedWeek, query: str, why: str) -> None:
    said = week.shell_here.refused("sql", query)
    assert re.search(why, said), said
    assert said.startswith("the query failed: ")
    with psycopg.connect(week.server.url(Component.OWNER)) as owner:
        found = owner.execute(
            "select 1 from finance.wallet_checks where detail = 'evil'"
            " union all select 2 from finance.alerts where kind = 'evil'"
            " union all select 3 where not exists (select from marketplace.sellers)"
        )
        assert found.fetchall() == []

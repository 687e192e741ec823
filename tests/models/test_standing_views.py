"""What a build leaves as it is: views and seeds that stand, and tables but for their rows."""

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.dbt import once, standing_views
from orchestrator.dbt.builds import build_week, manifest_path
from orchestrator.dbt.runner import NodeResult, Tell, run_dbt
from orchestrator.errors import SettleError
from tests.support.closed_week import NOW, closed_week
from tests.support.projects import changed_project
from tests.support.settings import at

RELATIONS = """
select n.nspname || '.' || c.relname, c.oid from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
where n.nspname like 'settlement%' and c.relkind in ('r', 'v')
"""

MANY = pytest.mark.many("a project each: make test changes the columns")
# What a build of a close may take, since seconds cannot be asserted. More of any wants a reason,
# and a line in docs/performance.md.
MOST_NODES, MOST_SESSIONS, MOST_TRANSACTIONS_A_NODE = 188, 8, 5
LEFT_OUT = ("seeds/", "tests/dbt/project/", "models/core/risk/", "models/marts/risk/")


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Of a market whose last build was asked for by the graph, from stored closes."""
    copied = at(closed_week().copy(), NOW)
    build(copied)
    return copied


def build(settings: Settings, tell: Tell | None = None) -> list[NodeResult]:
    nodes, failure = build_week(settings, settings.home / "dbt" / "target-build", tell)
    assert failure is None
    return nodes


def relations(settings: Settings) -> dict[str, int]:
    return dict(ask(settings, RELATIONS))


def views_made(settings: Settings, nodes: list[NodeResult]) -> set[str]:
    known = json.loads(manifest_path(settings).read_text(encoding="utf-8"))["nodes"]
    views = {
        name
        for name, node in known.items()
        if node["resource_type"] == "model" and node["config"]["materialized"] == "view"
    }
    return views & {n.unique_id for n in nodes}


def as_dbt(settings: Settings, statement: str) -> None:
    with connect(settings, Component.DBT) as dbt:
        dbt.execute("set role settle_dbt")
        dbt.execute(statement.encode())


def ask(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with connect(settings, Component.OWNER) as owner:
        return owner.execute(query.encode()).fetchall()


def what_it_takes(settings: Settings) -> tuple[int, int]:
    """Sessions and transactions of the database up to now; the server counts them a little late."""
    [(name,)] = ask(settings, "select current_database()")
    counted = """
    select sessions, xact_commit + xact_rollback from pg_stat_database where datname = %s
    """
    before = None
    server = closed_week().server
    with psycopg.connect(server.url(Component.OWNER, "postgres"), autocommit=True) as beside:
        while (found := beside.execute(counted, [name]).fetchone()) != before:
            before = found
            time.sleep(0.5)
    assert found
    sessions, transactions = found
    return sessions, transactions


def is_complete(settings: Settings) -> bool:
    [(complete,)] = ask(
        settings,
        "select completed_at is not null from finance.build_instants"
        " where target_schema = 'settlement'",
    )
    return bool(complete)


def data_tests_of_rows(settings: Settings) -> set[str]:
    """All data tests but those of seeds, of the project itself, and of what only backtests fill."""
    manifest = json.loads(manifest_path(settings).read_text(encoding="utf-8"))
    return {
        name
        for name, node in manifest["nodes"].items()
        if node["resource_type"] == "test" and not node["original_file_path"].startswith(LEFT_OUT)
    }


def test_the_next_build_of_the_same_project_makes_no_view_no_seed_and_no_relation(
    settings: Settings,
) -> None:
    before, spent = relations(settings), what_it_takes(settings)
    compiled = len(once.COMPILED)
    told: list[tuple[NodeResult, Sequence[str]]] = []
    complete_at_first: list[bool] = []

    def tell(item: tuple[NodeResult, Sequence[str]]) -> None:
        told.append(item)
        if not complete_at_first:
            complete_at_first.append(is_complete(settings))

    nodes = build(settings, tell)
    sessions, transactions = (b - a for a, b in zip(spent, what_it_takes(settings), strict=True))
    print(f"{len(nodes)} nodes, {sessions} sessions, {transactions} transactions")
    assert len(nodes) <= MOST_NODES
    assert complete_at_first == [False]
    assert [node for node, _ in told] == [n for n in nodes if n.unique_id[:9] != "operation"]
    assert {frozenset(selected) for _, selected in told} == {
        frozenset(n.unique_id for n, _ in told)
    }
    assert len(once.COMPILED) == compiled > MOST_NODES
    assert sessions <= MOST_SESSIONS
    assert transactions <= MOST_TRANSACTIONS_A_NODE * len(nodes)
    assert data_tests_of_rows(settings) == {
        n.unique_id for n in nodes if n.unique_id[:5] == "test."
    }
    assert not any(n.unique_id.startswith("seed.") for n in nodes)
    assert not views_made(settings, nodes)
    assert relations(settings) == before
    assert is_complete(settings)


def test_views_made_before_the_first_close_stand_after_it() -> None:
    """All of them were made anew: 3,006 statements of the first close after a history."""
    week = closed_week()
    remembered = json.loads((week.home / "dbt" / "standing_views.json").read_text(encoding="utf-8"))
    assert remembered[1:] == [*standing_views.standing_digests(week.copy())]


def test_no_view_says_something_else_once_there_is_a_close(settings: Settings) -> None:
    """A macro that asks for one would have to make its views anew after the first."""
    manifest = json.loads(manifest_path(settings).read_text(encoding="utf-8"))
    asks = {"macro.settle.is_scoped"}
    before = 0
    while len(asks) > before:
        before = len(asks)
        asks |= {n for n, m in manifest["macros"].items() if asks & {*m["depends_on"]["macros"]}}
    asking = {
        node["name"]: node["config"]["materialized"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and asks & {*node["depends_on"]["macros"]}
    }
    assert asking["int_build"] == "table"
    assert "view" not in asking.values()


def test_a_view_that_is_not_as_it_was_left_is_made_again(settings: Settings) -> None:
    definition = "select pg_get_viewdef('settlement.payouts'::regclass)"
    [(payouts,)] = ask(settings, definition)
    reworded = f"select p.* from ({payouts.rstrip(';')}) as p"
    digests = {standing_views.standing_digests(settings)}
    for statement in (
        "drop view settlement.reconciliation cascade",
        f"create or replace view settlement.payouts as {reworded}",
        "revoke select on settlement.windows from settle_analyst",
        "create view settlement.another as select 1 as one",
        "update settlement_seeds.rails set pegged_to = 'EUR' where rail = 'SPL'",
        "revoke select on settlement_seeds.currencies from settle_analyst",
    ):
        as_dbt(settings, statement)
        before = len(digests)
        digests.add(standing_views.standing_digests(settings))
        assert len(digests) > before, statement
    made = views_made(settings, build(settings))
    assert {"model.settle.windows", "model.settle.reconciliation"} <= made
    assert ask(settings, definition) == [(payouts,)]
    [(may_read,)] = ask(
        settings, "select has_table_privilege('settle_analyst', 'settlement.windows', 'select')"
    )
    assert may_read
    assert ask(settings, "select distinct pegged_to from settlement_seeds.rails") == [("USD",)]


def test_views_of_a_build_that_failed_are_not_taken_for_made(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of them may be those of the project before."""
    edited = tmp_path / "edited.sql"
    edited.write_text("select 1")
    files = [*standing_views.project_files(), edited]
    with monkeypatch.context() as patched:
        patched.setattr(standing_views, "project_files", lambda _: files)
        with connect(settings, Component.OWNER) as owner:
            owner.execute("revoke select on marketplace.orders from settle_dbt")
        _, failure = build_week(settings, settings.home / "dbt" / "target-build")
        assert failure
        with connect(settings, Component.OWNER) as owner:
            owner.execute("grant select on marketplace.orders to settle_dbt")
        assert not standing_views.views_stand(settings, standing_views.project_digest())
    assert not is_complete(settings)


def test_a_changed_file_is_another_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, before = tmp_path / "another.sql", standing_views.project_digest()
    file.write_text("select 1")
    files = [*standing_views.project_files(), file]
    monkeypatch.setattr(standing_views, "project_files", lambda _: files)
    one = standing_views.project_digest()
    file.write_text("select 2")
    assert len({before, one, standing_views.project_digest()}) == 3


def test_who_leaves_the_views_out_by_hand_has_built_a_part(settings: Settings) -> None:
    run_dbt(settings, ["run", *standing_views.ROWS_ONLY])
    assert not is_complete(settings)


def test_a_table_built_alone_leaves_what_reads_it(settings: Settings) -> None:
    before = relations(settings)
    run_dbt(settings, ["run", "--select", "int_window_sums", "int_sellers", "int_order_fees"])
    assert relations(settings) == before


def test_who_reads_during_a_build_finds_the_rows_of_before(settings: Settings) -> None:
    """Neither no relation nor an empty one, whenever the reading began."""
    count = b"select count(*) from settlement.seller_settlement"
    names = ["int_settlement__computed", "int_windows", "int_window_sums", "int_sellers"]
    with connect(settings, Component.ORCHESTRATOR, is_read_only=True) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        [(before,)] = reader.execute("select count(*) from settlement.windows").fetchall()
        assert before
        builder = threading.Thread(target=run_dbt, args=(settings, ["run", "--select", *names]))
        builder.start()
        builder.join(timeout=120)
        assert not builder.is_alive(), "the build waits for a reader"
        [(lines,)] = reader.execute(count).fetchall()
        assert lines


def test_of_a_large_table_a_build_writes_the_rows_that_differ(settings: Settings) -> None:
    """One that was changed, one that is gone and one too many: the rest is not touched.

    A second row of one key, which a merge would leave, cannot be.
    """
    entries = "settlement_core.int_entries"
    key = "(seller_id, entry_type, source_id)::text"
    rows = f"select {key}, xmin::text, ctid::text, e::text from {entries} as e"
    before = {name: rest for name, *rest in ask(settings, rows)}
    first, last = (f"{key} = (select {end}({key}) from {entries})" for end in ("min", "max"))
    as_dbt(settings, f"update {entries} set amount_minor = 0, order_id = null where {first}")
    as_dbt(settings, f"delete from {entries} where {last}")
    as_dbt(
        settings,
        f"insert into {entries} (seller_id, entry_type, source_id) values ('nobody', 'fee', 'x')",
    )
    with pytest.raises(psycopg.errors.UniqueViolation):
        as_dbt(settings, f"insert into {entries} select * from {entries} limit 1")
    run_dbt(settings, ["run", "--select", "int_entries"])
    after = {name: rest for name, *rest in ask(settings, rows)}
    assert {name: row[-1] for name, row in after.items()} == {
        name: row[-1] for name, row in before.items()
    }
    assert len(before) - sum(after[name] == row for name, row in before.items()) == 2


def test_a_table_too_large_for_its_rows_is_written_anew(settings: Settings) -> None:
    """As after a build of all history. Not while somebody reads it: no build waits for that."""
    entries = "settlement_core.int_entries"
    size = f"select pg_relation_size('{entries}') / 1048576"
    rows = f"select e::text from {entries} as e order by 1"
    before = ask(settings, rows)
    as_dbt(
        settings,
        f"insert into {entries} (seller_id, entry_type, source_id)"
        " select 'nobody', 'fee', repeat(md5(n::text), 25) from generate_series(1, 50000) as n",
    )
    as_dbt(
        settings, f"update {entries} set amount_minor = amount_minor where seller_id <> 'nobody'"
    )
    run_dbt(settings, ["run", "--select", "int_entries"])
    with connect(settings, Component.ORCHESTRATOR, is_read_only=True) as reader:
        reader.execute(f"select 1 from {entries} limit 1".encode())
        run_dbt(settings, ["run", "--select", "int_entries"])
    assert ask(settings, size)[0][0] > 32
    assert ask(settings, rows) == before
    run_dbt(settings, ["run", "--select", "int_entries"])
    assert ask(settings, size)[0][0] < 8
    assert ask(settings, rows) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("select * from final", "select *, 1 as another from final"),
        pytest.param(
            "{{ config(materialized='table') }}",
            "{{ config(materialized='table', unlogged=true) }}",
            marks=MANY,
        ),
        pytest.param(
            "{{ config(materialized='table') }}",
            "{{ config(materialized='table', indexes=[{'columns': ['payout_window']}]) }}",
            marks=MANY,
        ),
        pytest.param(
            "select * from final", "select window_starts_at, window_ends_at from final", marks=MANY
        ),
    ],
)
def test_a_table_of_another_shape_is_made_anew(
    settings: Settings, tmp_path: Path, old: str, new: str
) -> None:
    """And what reads it is not asked for the columns of before."""
    project = changed_project(
        tmp_path / "changed", "models/core/settlement/int_windows.sql", old, new
    )
    before = relations(settings)
    run_dbt(settings, ["run", "--select", "int_windows"], project=project)
    name = "settlement_core.int_windows"
    assert relations(settings)[name] != before[name]


HUNG = (
    "create trigger hung before insert on {0} for each row execute function settlement_core.hung()",
    "create rule hung as on insert to {0} do instead nothing",
    "alter table {0} enable row level security",
    "alter table {0} alter payout_window set default 'mine'",
    "create table {0}_child () inherits ({0})",
)


def test_what_somebody_hung_on_a_table_fails_the_build_and_is_gone_with_the_next(
    settings: Settings,
) -> None:
    """It would outlive the code that did it, now that tables stay."""
    run_dbt(settings, ["run", "--select", "int_windows"])
    windows = "settlement_core.int_windows"
    as_dbt(
        settings,
        "create function settlement_core.hung() returns trigger language plpgsql"
        " as 'begin new.payout_window := null; return new; end'",
    )
    test = ["test", "--select", "assert_relations_carry_no_code"]
    tables = [f"settlement_core.hung_{number}" for number in range(len(HUNG))]
    for table, hung in zip(tables, HUNG, strict=True):
        as_dbt(settings, f"create table {table} as select * from {windows}")
        as_dbt(settings, hung.format(table))
    with pytest.raises(SettleError, match="assert_relations_carry_no_code: Got 6 results"):
        run_dbt(settings, test)  # the parent and the child
    for table in tables:
        as_dbt(settings, f"drop table {table} cascade")
    for hung in HUNG:
        as_dbt(settings, hung.format(windows))
    run_dbt(settings, ["run", "--select", "int_windows"])
    run_dbt(settings, test)
    [(missing,)] = ask(settings, f"select count(*) from {windows} where payout_window is null")
    assert missing == 0


def test_a_finer_scale_is_not_rounded_away(settings: Settings, tmp_path: Path) -> None:
    file = "models/core/facts/int_build.sql"
    for scale in ("2", "6"):
        project = changed_project(
            tmp_path / scale,
            file,
            "{{ as_of() }} as as_of,",
            "{{ as_of() }} as as_of, " + f"1.234567::numeric(12, {scale}) as figure,",
        )
        run_dbt(settings, ["run", "--select", "int_build"], project=project)
    [(figure,)] = ask(settings, "select figure from settlement_core.int_build")
    assert str(figure) == "1.234567"

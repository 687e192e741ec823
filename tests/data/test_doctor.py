"""`settle doctor` and `settle map init`: a good mapping, and one clear line for each broken one."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from orchestrator.config import PROJECT_ROOT, Component, Settings
from orchestrator.database.connection import database_url
from orchestrator.dbt.rules import rule
from orchestrator.errors import SettleError
from orchestrator.loading.csv_files import SOURCES
from orchestrator.loading.doctor.examine import examine
from orchestrator.loading.doctor.findings import Diagnosis
from orchestrator.loading.mapping import apply_mapping, definitions, takes_in, write_mapping
from tests.support.settings import OLIST

# A shop of 30 orders of two sellers, fees and a refund, as another system may have them.
SHOP = """
create schema shop;
create table shop.orders as
select
    'o' || n as id, 's' || (n % 2 + 1) as vendor, 10.5 + n as total,
    timestamptz '2026-11-02 09:30:00+00' + n * interval '1 hour' as placed_at
from generate_series(1, 30) as n;
create table shop.vendors as
select 's1' as id, 'One' as name, 'EU' as region
union all select 's2', 'Two', 'APAC';
create schema mapping;
grant usage on schema mapping to settle_dbt;
"""
GOOD = {
    "sellers": """
        select id as seller_id, name as display_name, region, false as fast_settlement,
            'T1' as wallet_address, 'active' as status, true as payouts_enabled,
            timestamptz '2026-01-01' as created_at, timestamptz '2026-01-01' as updated_at
        from shop.vendors""",
    "orders": """
        select id as order_id, id as checkout_id, vendor as seller_id, 'USD' as currency,
            total as gross_amount, placed_at as ordered_at, placed_at as recorded_at
        from shop.orders""",
    "order_fees": """
        select 'f' || id as fee_id, id as order_id, vendor as seller_id,
            'commission' as fee_type, 1.25 as amount, placed_at as charged_at,
            placed_at as recorded_at
        from shop.orders""",
    "refunds": """
        select 'r' || id as refund_id, id as order_id, vendor as seller_id, 2.5 as amount,
            placed_at as refunded_at, placed_at as recorded_at, 'broken' as reason
        from shop.orders where id = 'o1'""",
    "dispute_events": """
        select null::text as dispute_event_id, null::text as dispute_id, null::text as order_id,
            null::text as seller_id, null::text as event_type, null::numeric as amount,
            null::timestamptz as occurred_at, null::timestamptz as recorded_at
        where false""",
    "seller_charges": """
        select null::text as charge_id, null::text as seller_id, null::text as charge_type,
            null::numeric as amount, null::timestamptz as charged_at,
            null::timestamptz as recorded_at
        where false""",
}


class Mapping:
    """Views over a shop, in a transaction that is rolled back."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        connection.execute(SHOP.encode())

    def lines(self, source: str = "", old: str = "", new: str = "") -> list[str]:
        return [finding.line for finding in self.examined(source, old, new).findings]

    def examined(self, source: str = "", old: str = "", new: str = "") -> Diagnosis:
        """With one expression of one view replaced."""
        for table, query in GOOD.items():
            if table == source:
                assert query.count(old) == 1, query
                query = query.replace(old, new)
            self.connection.execute(f"create view mapping.{table} as {query}".encode())
        self.connection.execute(
            "grant select on all tables in schema mapping to settle_dbt; set local role settle_dbt"
        )
        return examine(self.connection, schema="mapping")


@pytest.fixture
def mapping(settings: Settings) -> Iterator[Mapping]:
    with psycopg.connect(database_url(settings, Component.OWNER)) as connection:
        connection.execute("select 1")
        yield Mapping(connection)
        connection.rollback()


def test_good_mapping_has_no_finding(mapping: Mapping) -> None:
    found = mapping.examined()
    # Its rows are of another day than the test's.
    assert [f.line for f in found.findings if "days old" not in f.problem] == []
    assert found.counts == {
        "sellers": 2, "orders": 30, "order_fees": 30, "refunds": 1, "dispute_events": 0,
        "seller_charges": 0,
    }  # fmt: skip
    assert found.outlook is not None
    assert (found.outlook.payable_count, found.outlook.payable_percent) == (30, "100.0")
    assert found.outlook.first_window == "2026-W45"


TEN_BROKEN = {
    "missing_column": (
        ("orders", "placed_at as recorded_at", "1 as landed"),
        "error: orders.recorded_at: is missing. When the row reached this database.",
    ),
    "mistyped_id": (
        ("orders", "select id as order_id", "select substr(id, 2)::bigint as order_id"),
        "error: orders.order_id: is bigint; cast it to text",
    ),
    "float": (
        ("order_fees", "1.25 as amount", "1.25::float8 as amount"),
        "error: order_fees.amount: is double precision, which loses cents; keep it in a numeric"
        " column, or round it",
    ),
    "ids_not_unique": (
        ("order_fees", "'f' || id as fee_id", "'f' as fee_id"),
        "error: order_fees.fee_id: is not unique within its seller; join less, or make it of what"
        " is (2 rows, f is one)",
    ),
    "zone_lost": (
        ("orders", "placed_at as ordered_at", "placed_at::timestamp as ordered_at"),
        "error: orders.ordered_at: has lost its time zone; write at time zone 'UTC', or the zone it"
        " is in",
    ),
    "currency_without_rate": (
        ("orders", "'USD' as currency", "case id when 'o2' then 'EUR' else 'USD' end as currency"),
        "error: orders: an order in another currency than USD has no exchange_rate above 0, so it"
        " has no effect; add the processor's rate (1 row, o2 is one)",
    ),
    "facts_without_orders": (
        ("refunds", "id as order_id", "'x' || id as order_id"),
        "error: refunds: no row of orders has the seller's order, so it has no effect; map that"
        " order too, or name its seller (1 row, ro1 is one)",
    ),
    "cents_taken_for_whole_money": (
        ("orders", "total as gross_amount", "trunc(total * 100) as gross_amount"),
        "warning: orders.gross_amount: are these cents? All are whole numbers (USD, of which the"
        " usual is 2550); divide by 100 if so (30 rows)",
    ),
    "unknown_status": (
        ("sellers", "'active' as status", "'approved' as status"),
        "error: sellers.status: is not a status; use active, suspended or closed (2 rows, seller_id"
        " s1: 'approved')",
    ),
    "dates_for_instants": (
        (
            "order_fees",
            "placed_at as charged_at",
            "date_trunc('day', placed_at) as charged_at",
        ),
        "warning: order_fees.charged_at: was the time lost? All are at midnight UTC; map an"
        " instant, not a date (30 rows)",
    ),
    "day_of_a_copy_for_recorded_at": (
        ("orders", "placed_at as recorded_at", "timestamptz '2026-11-20' as recorded_at"),
        "warning: orders.recorded_at: is it the day of a copy? Most rows were recorded over a week"
        " after they happened and are known only from then on, so a history would be owed at once;"
        " map when each row first came (30 rows)",
    ),
    "currency_in_lower_case": (
        ("orders", "'USD' as currency", "case id when 'o2' then 'usd' else 'USD' end as currency"),
        "error: orders: the currency is not in seeds/currencies.csv, so the order has no effect;"
        " write ISO 4217 in upper case (1 row, o2 is one)",
    ),
    "negative_refunds": (
        ("refunds", "2.5 as amount", "-2.5 as amount"),
        "error: refunds: the amount is not above 0, so it has no effect; is its sign the other way"
        " round? (1 row, ro1 is one)",
    ),
    "empty_seller": (
        ("refunds", "vendor as seller_id", "null::text as seller_id"),
        "error: refunds.seller_id: is empty; every row needs one (1 row, refund_id ro1)",
    ),
}


@pytest.mark.parametrize("name", TEN_BROKEN)
def test_broken_mapping_is_one_clear_line(mapping: Mapping, name: str) -> None:
    broken, line = TEN_BROKEN[name]
    found = mapping.lines(*broken)
    assert line in found
    # What else is said follows from it: facts of an order without effect, days that are long ago.
    others = [other for other in found if other != line and "days old" not in other]
    assert all("its order has no effect" in other for other in others), others


def test_missing_view_and_missing_right_are_named(mapping: Mapping) -> None:
    mapping.connection.execute("create view mapping.orders as select 1 as order_id")
    mapping.connection.execute("set local role settle_dbt")
    lines = [f.line for f in examine(mapping.connection, schema="mapping").findings]
    assert lines[:2] == [
        "error: sellers: there is no table or view mapping.sellers; see settle map init",
        "error: orders: settle_dbt may not read mapping.orders; grant usage on its schema, and"
        " select",
    ]


def test_outlook_counts_who_would_not_be_paid(mapping: Mapping) -> None:
    found = mapping.examined(
        "sellers",
        "'T1' as wallet_address",
        "case id when 's1' then 'T1' else '' end as wallet_address",
    )
    assert found.outlook is not None
    assert found.outlook.payable_percent == "50.0"
    assert found.outlook.obstacles == {"of sellers without a wallet": 15}


def test_stale_rows_are_a_warning(mapping: Mapping) -> None:
    mapping.connection.execute("insert into finance.clock (now_at) values ('2026-12-24 12:00Z')")
    [line] = [line for line in mapping.lines() if line.startswith("warning: orders.")]
    assert line.endswith("days old; has the replication stopped?")


# ---- Files --------------------------------------------------------------------------------------


def test_files_are_judged_as_the_loader_does_and_stored_nowhere(
    mapping: Mapping, tmp_path: Path
) -> None:
    (tmp_path / "sellers.csv").write_text(
        "seller_id,display_name,region,fast_settlement,wallet_address,status,created_at,updated_at\n"
        "s1,One,EU,no,,active,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z\n"
    )
    (tmp_path / "orders.csv").write_text(
        "order_id,checkout_id,seller_id,currency,gross_amount,ordered_at\n"
        "o1,c1,s1,USD,10.50,2026-11-02 09:30:00\n"
        "o2,c2,s1,USD,10.50,2026-11-02 10:30:00\n"
        'o3,c3,s1,USD,"10,50",2026-11-02T10:30:00Z\n'
        "o4,c4,s9,USD,10.50,2026-11-02T10:30:00Z\n"
    )
    found = examine(mapping.connection, tmp_path)
    assert [finding.line for finding in found.findings] == [
        "error: orders.ordered_at: has no offset; write it like 2026-11-22T09:30:00Z (2 rows, line"
        " 2: '2026-11-02 09:30:00')",
        "error: orders.gross_amount: is not an amount; write it like 1234.50 (1 row, line 4:"
        " '10,50')",
        "error: orders: no row of sellers has the seller, so it has no effect; map that seller too"
        " (1 row, o4 is one)",
    ]
    [(count,)] = mapping.connection.execute("select count(*) from marketplace.orders").fetchall()
    assert count == 0


@pytest.mark.skipif(not OLIST.is_dir(), reason="the sample of real orders is not here")
def test_real_orders_are_in_order(mapping: Mapping) -> None:
    found = examine(mapping.connection, OLIST)
    assert not [finding.line for finding in found.findings if finding.severity == "error"]


def test_a_history_of_files_without_recorded_at_is_a_warning(
    mapping: Mapping, tmp_path: Path
) -> None:
    (tmp_path / "sellers.csv").write_text(
        "seller_id,display_name,region,fast_settlement,wallet_address,status,created_at,updated_at\n"
        "s1,One,EU,no,,active,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z\n"
    )
    head = "order_id,checkout_id,seller_id,currency,gross_amount,ordered_at"
    rows = [f"o{n},c{n},s1,USD,10.50,2026-01-02T09:30:{n}Z" for n in range(10, 35)]
    (tmp_path / "orders.csv").write_text("\n".join([head, *rows, ""]))
    lines = [finding.line for finding in examine(mapping.connection, tmp_path).findings]
    recorded = [line for line in lines if line.startswith("warning: orders.recorded_at: is it the")]
    assert len(recorded) == 1
    (tmp_path / "orders.csv").write_text(
        "\n".join([f"{head},recorded_at", *(f"{r},2026-01-02T10:00:00Z" for r in rows), ""])
    )
    lines = [finding.line for finding in examine(mapping.connection, tmp_path).findings]
    assert not [line for line in lines if "recorded_at" in line]


# ---- One home -----------------------------------------------------------------------------------


def test_the_doctor_asks_the_rules_of_the_models() -> None:
    text = (PROJECT_ROOT / "macros" / "defects.sql").read_text()
    assert "'too_many_decimals'" in text
    assert "'too_many_decimals'" in rule("order_defect('orders', 'currencies')")


def test_loader_and_models_name_the_same_columns() -> None:
    assert {s.table: list(s.columns) for s in SOURCES} == {
        name: list(definition.columns) for name, definition in definitions().items()
    }


# ---- Map init -----------------------------------------------------------------------------------


def test_written_files_make_views_that_a_build_can_read(mapping: Mapping, tmp_path: Path) -> None:
    mapping.connection.execute("drop schema mapping")
    files = write_mapping(tmp_path / "mapping")
    assert [path.name for path in files] == [
        "0_schema.sql", "1_sellers.sql", "2_orders.sql", "3_order_fees.sql", "4_refunds.sql",
        "5_dispute_events.sql", "6_seller_charges.sql",
    ]  # fmt: skip
    for _ in range(2):  # again: a file is edited and run once more
        assert apply_mapping(mapping.connection, tmp_path / "mapping") == files
    mapping.connection.execute("set local role settle_dbt")
    found = examine(mapping.connection, schema="mapping")
    assert (found.findings, set(found.counts.values())) == ([], {0})
    assert all(len(line) <= 100 for path in files for line in path.read_text().splitlines())


def test_broken_file_changes_no_view_and_is_named(mapping: Mapping, tmp_path: Path) -> None:
    mapping.connection.execute("drop schema mapping")
    write_mapping(tmp_path)
    broken = tmp_path / "2_orders.sql"
    broken.write_text(broken.read_text().replace("null::text as order_id", "no_such as order_id"))
    with pytest.raises(SettleError) as error:
        apply_mapping(mapping.connection, tmp_path)
    assert str(error.value) == (f'{broken}:8: column "no_such" does not exist; nothing was changed')
    found = mapping.connection.execute("select to_regnamespace('mapping')").fetchall()
    assert found == [(None,)]


def test_imports_are_read_beside_a_view_as_the_page_says(mapping: Mapping, tmp_path: Path) -> None:
    """The example of docs/mapping.md, in place of the view that `settle map init` wrote."""
    mapping.connection.execute("drop schema mapping")
    write_mapping(tmp_path)
    apply_mapping(mapping.connection, tmp_path)
    view = tmp_path / "5_dispute_events.sql"
    [example] = re.findall(
        r"```sql\n(create or replace view mapping\.dispute_events.*?)```",
        (PROJECT_ROOT / "docs" / "mapping.md").read_text(),
        re.DOTALL,
    )
    view.write_text(example.replace(' collate "default"', ""))
    with pytest.raises(SettleError, match='write collate "default" behind an id of schema'):
        apply_mapping(mapping.connection, tmp_path)
    view.write_text(example)
    apply_mapping(mapping.connection, tmp_path)
    for source, table, is_taken_in in (
        (("mapping", "dispute_events"), "dispute_events", True),
        (("mapping", "refunds"), "refunds", False),
        (("marketplace", "refunds"), "refunds", True),
    ):
        assert takes_in(mapping.connection, source, table) is is_taken_in


def test_files_that_are_there_are_kept(tmp_path: Path) -> None:
    write_mapping(tmp_path)
    with pytest.raises(SettleError, match="is there already: name another folder, or remove it"):
        write_mapping(tmp_path)


def test_definitions_are_dbts_own() -> None:
    said = yaml.safe_load(
        (PROJECT_ROOT / "models/staging/marketplace/_marketplace__sources.yml").read_text()
    )
    assert {t["name"] for t in said["sources"][0]["tables"]} == set(definitions())

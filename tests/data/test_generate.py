"""`settle generate` against a real PostgreSQL: the same every time, or refused."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from orchestrator.demo.generate import GenerateReport, Late, generate
from orchestrator.errors import SettleError
from orchestrator.loading.csv_files import SOURCES
from orchestrator.loading.load import load_directory
from tests.data.load_files import Connection, ask

UNTIL = datetime(2026, 11, 22, 12, tzinfo=UTC)
SMALL: dict[str, Any] = {"sellers": 60, "weeks": 3, "orders_per_seller_week": 4, "until": UNTIL}


def digest(connection: Connection) -> str:
    """One fingerprint of all rows of the marketplace."""
    # What the database adds to a row says when it was stored.
    parts = " union all ".join(
        f"(select string_agg(md5((t.{', t.'.join(s.columns)})::text), ''"
        f" order by t.seller_id, t.{s.id}) as rows from marketplace.{s.table} as t)"
        for s in SOURCES
    )
    connection.execute("set local timezone = 'UTC'")
    return str(ask(connection, f"select md5(string_agg(rows, '')) from ({parts}) as parts"))


def generated(connection: Connection, time_zone: str = "UTC", **changes: Any) -> str:
    """The fingerprint of what these arguments generate; leaves the database as it was."""
    with connection.transaction(force_rollback=True):
        connection.execute("select set_config('timezone', %s, true)", [time_zone])
        generate(connection, **{**SMALL, **changes})
        return digest(connection)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's nodes, from the top."""
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


class Planned(psycopg.Cursor[Any]):
    """Keeps the plans of the statements that make and store orders and fees."""

    found: list[dict[str, Any]] = []  # noqa: RUF012 - of one test

    def execute(self, query: Any, *parameters: Any, **named: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else sql.SQL("{}").format(query)
        text = text if isinstance(text, str) else text.as_string(self.connection)
        if re.search(r"table generated_order(s|_fees) |into marketplace.\"order", text):
            first, _, _ = text.partition(";\n")
            super().execute(f"explain (format json) {first}".encode())
            self.found += nodes(self.fetchone()[0][0]["Plan"])
        return super().execute(query, *parameters, **named)


def test_no_orders_and_no_fees_are_sorted_or_kept_between_two_steps(
    marketplace_db: Connection,
) -> None:
    """Millions of rows that are written down once more for each step were a third of the time."""
    marketplace_db.cursor_factory = Planned
    generate(marketplace_db, **SMALL)
    kinds = {node["Node Type"] for node in Planned.found}
    assert {"ModifyTable", "Hash Join"} <= kinds
    assert not kinds & {"Sort", "Incremental Sort", "Materialize", "WindowAgg"}
    # One order in 25 has a refund.
    assert {node.get("CTE Name") for node in Planned.found} <= {None, "given_back"}


def test_same_arguments_same_rows(marketplace_db: Connection) -> None:
    first = generated(marketplace_db)
    assert generated(marketplace_db) == first
    assert generated(marketplace_db, time_zone="America/Sao_Paulo") == first
    berlin = UNTIL.astimezone(timezone(timedelta(hours=1))) + timedelta(microseconds=999_999)
    assert generated(marketplace_db, until=berlin) == first, "until is cut to the second"
    others = [{"seed": 2}, {"seed": -1}, {"sellers": 61}, {"weeks": 4}]
    others += [{"orders_per_seller_week": 5}, {"until": UNTIL + timedelta(seconds=1)}]
    assert len({first, *(generated(marketplace_db, **other) for other in others)}) == 7


def test_the_rows_are_the_same_on_every_machine(marketplace_db: Connection) -> None:
    """A change of this fingerprint changes everybody's generated marketplace: mean it."""
    assert generated(marketplace_db) == "a50bc6ece5dc0ad3477a027cc9ab0959"


def test_of_a_share_of_sellers_most_orders_are_disputed(marketplace_db: Connection) -> None:
    """All else is as in a marketplace without them; a larger share has the same ones and more."""
    disputed = "select distinct seller_id from marketplace.dispute_events"
    fees = "select count(*), sum(amount) from marketplace.order_fees"
    found: dict[str, Any] = {}
    for share in ("0", "0.2", "0.4", "1"):
        with marketplace_db.transaction(force_rollback=True):
            generate(marketplace_db, **{**SMALL, "bad_actors": Decimal(share)})
            sellers = {seller for (seller,) in marketplace_db.execute(disputed)}
            found[share] = (sellers, marketplace_db.execute(fees).fetchone())

    counts = [len(sellers) for sellers, _ in found.values()]
    assert counts == sorted(set(counts)), "each share has more of them"
    assert found["0.2"][0] < found["0.4"][0]
    assert len({rows for _, rows in found.values()}) == 1


def test_again_is_a_noop(marketplace_db: Connection) -> None:
    first = generate(marketplace_db, **SMALL)
    assert not first.is_noop
    assert first.tables["sellers"] == 60
    before = digest(marketplace_db)
    again = generate(marketplace_db, **SMALL)
    assert again == GenerateReport(first.tables, UNTIL, is_noop=True)
    assert digest(marketplace_db) == before


def test_other_data_is_refused(marketplace_db: Connection) -> None:
    generate(marketplace_db, **SMALL)
    before = digest(marketplace_db)
    with pytest.raises(SettleError) as refusal:
        generate(marketplace_db, **{**SMALL, "seed": 2})
    assert str(refusal.value) == (
        "nothing was generated: marketplace.sellers holds other rows;"
        " use an empty database, or the same arguments as before"
    )
    marketplace_db.execute(
        "insert into marketplace.refunds (refund_id, order_id, seller_id, amount, refunded_at,"
        " reason) values ('r', 'o', 's', 1, %s, '')",
        [UNTIL],
    )
    with pytest.raises(SettleError, match=r"marketplace\.refunds holds other rows"):
        generate(marketplace_db, **SMALL)
    marketplace_db.execute("alter table marketplace.refunds disable trigger append_only")
    marketplace_db.execute("delete from marketplace.refunds where refund_id = 'r'")
    assert digest(marketplace_db) == before


def test_a_filled_fact_table_alone_is_refused(marketplace_db: Connection) -> None:
    marketplace_db.execute(
        "insert into marketplace.orders (order_id, checkout_id, seller_id, currency, gross_amount,"
        " ordered_at) values ('o', 'c', 's', 'USD', 1, %s)",
        [UNTIL],
    )
    with pytest.raises(SettleError, match="holds other rows"):
        generate(marketplace_db, **SMALL)
    assert ask(marketplace_db, "select count(*) from marketplace.sellers") == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sellers": 0}, "0 sellers cannot be generated; use 1 to 1000000"),
        ({"weeks": 521}, "521 weeks cannot be generated; use 1 to 520"),
        (
            {"orders_per_seller_week": -1},
            "-1 orders per seller and week cannot be generated; use 1 to 100000000",
        ),
        (
            {"sellers": 1_000_000, "weeks": 100},
            "400000000 orders cannot be generated; use 1 to 100000000",
        ),
        (
            {"until": datetime(2026, 11, 22)},
            "until is 2026-11-22 00:00:00; give an instant with an offset",
        ),
    ],
)
def test_impossible_arguments(
    marketplace_db: Connection, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettleError) as refusal:
        generate(marketplace_db, **{**SMALL, **changes})
    assert str(refusal.value) == message


def test_the_smallest_marketplace(marketplace_db: Connection) -> None:
    report = generate(
        marketplace_db, sellers=1, weeks=1, orders_per_seller_week=1, seed=3, until=UNTIL
    )
    assert report.tables["sellers"] == 1
    assert report.tables["orders"] <= 1


def test_each_dispute_is_decided_within_two_months(marketplace_db: Connection) -> None:
    """What a weekly build looks at does not grow with the weeks."""
    generate(marketplace_db, **{**SMALL, "weeks": 20})
    [waiting, decided] = ask(
        marketplace_db,
        "select count(*) filter (where not is_decided), count(*) filter (where is_decided)"
        " from (select min(occurred_at) as opened_at,"
        " bool_or(event_type <> 'opened') as is_decided from marketplace.dispute_events"
        " group by seller_id, order_id, dispute_id) as d"
        f" where opened_at < timestamptz '{UNTIL}' - interval '63 days'",
    )
    assert waiting == 0
    assert decided > 10


def test_late_rows_are_files_that_load(marketplace_db: Connection, tmp_path: Path) -> None:
    """Together they are what is generated without any late row."""
    whole = generated(marketplace_db)
    first = generate(marketplace_db, **SMALL, late=Late(tmp_path / "late", 50))
    facts = sum(n for table, n in first.tables.items() if table != "sellers")
    assert 0.03 < first.late / (facts + first.late) < 0.07
    assert digest(marketplace_db) != whole
    assert generate(marketplace_db, **SMALL, late=Late(tmp_path / "again", 50)).is_noop
    report = load_directory(marketplace_db, tmp_path / "late")
    assert sum(table.inserted for table in report.tables.values()) == first.late
    assert digest(marketplace_db) == whole
    assert generate(marketplace_db, **SMALL).is_noop
    assert generate(marketplace_db, **SMALL, late=Late(tmp_path / "again", 50)).is_noop
    for file in (tmp_path / "late").iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def test_storing_leaves_the_tables_keys_and_indexes(marketplace_db: Connection) -> None:
    def definitions() -> list[tuple[Any, ...]]:
        return marketplace_db.execute(
            "select pg_get_indexdef(i.indexrelid), i.indisprimary, k.conname from pg_index as i"
            " join pg_class as c on i.indrelid = c.oid"
            " left join pg_constraint as k on i.indexrelid = k.conindid"
            " where c.relnamespace = 'marketplace'::regnamespace order by 1"
        ).fetchall()

    before = definitions()
    assert sum(is_primary for _, is_primary, _ in before) == len(SOURCES)
    generate(marketplace_db, **SMALL)
    assert definitions() == before

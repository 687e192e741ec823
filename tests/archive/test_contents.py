"""What an archive of a year has: all evidence of its windows, and no name."""

import csv
import gzip
import io
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

from orchestrator.archive.contents import built, evidence, left_out
from orchestrator.archive.reading import open_reader
from tests.archive.closed_year import LAST_WINDOW, YEAR, ClosedYear
from tests.archive.files import manifest_of, rows_of
from tests.support.closed_week import FINANCE, SECOND, WINDOW

ENTRIES = {
    "orders": ("order", "holdback"),
    "order_fees": ("fee", "tax"),
    "refunds": ("refund", "refund_reversed"),
    "dispute_events": ("dispute_opened", "dispute_won", "dispute_lost", "dispute_withdrawn"),
    "seller_charges": ("charge",),
}


def test_counts_hashes_and_sums_are_those_of_the_files(year: ClosedYear, archive: Path) -> None:
    manifest = manifest_of(archive)
    names = {file["name"] for file in manifest["files"]}
    assert {f"{name}.csv.gz" for name in names} | {"manifest.json"} == {
        file.name for file in archive.iterdir()
    }
    assert manifest["windows"][-1] == LAST_WINDOW
    assert manifest["starts_at"] < manifest["as_of"] < "2026-12-31" < manifest["ends_at"]
    for file in manifest["files"]:
        packed = (archive / f"{file['name']}.csv.gz").read_bytes()
        text = gzip.decompress(packed)
        assert (len(packed), sha256(packed).hexdigest()) == (file["bytes"], file["sha256"])
        assert sha256(text).hexdigest() == file["text_sha256"]
        found = list(csv.DictReader(io.StringIO(text.decode(), newline="")))
        assert len(found) == file["rows"], file["name"]
        if file["rows"]:
            assert list(found[0]) == file["columns"]
    sums = {file["name"]: file["sums"] for file in manifest["files"]}
    # Yen have no smaller unit, Kuwaiti dinars have thousandths.
    for currency, scale in {"USD": 100, "JPY": 1, "KWD": 1000}.items():
        gross = sum(
            Decimal(row["gross_amount"]) * scale
            for row in rows_of(archive, "orders")
            if row["currency"] == currency
        )
        assert gross == Decimal(sums["orders"][currency]["gross_amount"]) > 0
    closed = sum(int(row["net_minor"]) for row in rows_of(archive, "window_close_rows"))
    assert sums["window_close_rows"]["USD"]["net_minor"] == str(closed)
    assert sums["window_closes"]["USD"]["net_minor"] == str(closed)
    [line] = year.found("select sum(amount_minor)::text as paid from finance.payout_lines")
    assert sums["payout_lines"]["USD"]["amount_minor"] == line["paid"]
    debit, credit = (sums["journal_entries"]["USD"][side] for side in ("debit", "credit"))
    assert debit == credit != "0"


def test_each_entry_has_its_fact_and_its_order(archive: Path) -> None:
    entries = rows_of(archive, "window_close_entries")
    closed = {row["payout_window"] for row in rows_of(archive, "window_close_rows")}
    assert WINDOW in {entry["payout_window"] for entry in entries} == closed
    orders = {(row["seller_id"], row["order_id"]) for row in rows_of(archive, "orders")}
    for table, types in ENTRIES.items():
        of_table = [entry for entry in entries if entry["entry_type"] in types]
        found = rows_of(archive, table)
        ids = {(row["seller_id"], next(iter(row.values()))) for row in found}
        assert of_table or table == "dispute_events"  # this small year has none
        assert ids >= {(entry["seller_id"], entry["source_id"]) for entry in of_table}
        if table != "seller_charges":
            assert orders >= {(entry["seller_id"], entry["order_id"]) for entry in of_table}
    assert {entry["entry_type"] for entry in entries} <= {t for s in ENTRIES.values() for t in s}


def test_facts_of_later_windows_are_left_to_the_next_year(year: ClosedYear, archive: Path) -> None:
    all_orders = year.found("select seller_id, order_id from marketplace.orders")
    entered = year.found(
        "select distinct seller_id, order_id from finance.window_close_entries"
        " where order_id is not null"
    )
    assert len(rows_of(archive, "orders")) == len(entered) < len(all_orders)


def test_no_name_is_in_it_and_wallets_are_as_the_evidence_has_them(
    year: ClosedYear, archive: Path
) -> None:
    text = b"".join(
        gzip.decompress(file.read_bytes())
        for file in archive.iterdir()
        if file.name != "manifest.json"
    ).decode()
    names = [row["display_name"] for row in year.found("select * from marketplace.sellers")]
    assert [name for name in names if len(name) > 2 and name in text] == []
    stored = year.found("select wallet_address from finance.window_close_rows order by 1")
    archived = [row["wallet_address"] for row in rows_of(archive, "window_close_rows")]
    assert sorted(archived) == [row["wallet_address"] for row in stored]


def test_decisions_payouts_and_receipts_are_in_it(archive: Path) -> None:
    [approval] = rows_of(archive, "approvals")
    [batch] = rows_of(archive, "payout_batches")
    lines = rows_of(archive, "payout_lines")
    assert approval["approved_by"] == FINANCE
    assert approval["digest"] == batch["digest"]
    assert {line["state"] for line in lines} == {"completed"}
    assert len(rows_of(archive, "approval_lines")) == len(lines)
    [call] = rows_of(archive, "payout_calls")
    assert sha256(call["body"].encode()).hexdigest() == call["body_sha256"]
    paid: dict[str, int] = {}
    for part in rows_of(archive, "line_windows"):
        moved = int(part["entries_minor"]) + int(part["retaken_minor"])
        paid[part["line_id"]] = paid.get(part["line_id"], 0) + moved
    assert paid == {line["line_id"]: int(line["amount_minor"]) for line in lines}
    assert [hold["held_by"] for hold in rows_of(archive, "seller_holds")] == [SECOND]
    [attempt] = rows_of(archive, "call_attempts")
    assert "response" not in attempt
    assert attempt["response_sha256"].startswith("\\x")


def test_every_table_is_in_it_or_left_out_for_a_reason(year: ClosedYear) -> None:
    tables = year.found(
        "select c.oid::regclass::text as name from pg_class as c where c.relkind in ('r', 'p')"
        " and c.relnamespace::regnamespace::text in ('finance', 'halfin', 'marketplace')"
        " and c.relname !~ '^_?yoyo'"
    )
    there = {".".join(content.relation) for content in evidence()}
    assert there & left_out().keys() == set()
    assert {row["name"] for row in tables} == there | left_out().keys()
    seeds = year.found(
        "select c.oid::regclass::text as name from pg_class as c"
        " where c.relnamespace = 'settlement_seeds'::regnamespace and c.relkind = 'r'"
    )
    assert {row["name"] for row in seeds} <= {".".join(content.relation) for content in built()}


def test_rows_have_one_order_by_a_key_that_is_unique(year: ClosedYear) -> None:
    """Of two rows with equal keys either could come first."""
    keys: dict[str, list[set[str]]] = {}
    for row in year.found(
        "select i.indrelid::regclass::text as name, array_agg(a.attname::text) as columns"
        " from pg_index as i inner join pg_attribute as a"
        " on a.attrelid = i.indrelid and a.attnum = any(i.indkey)"
        " where i.indisunique and i.indpred is null group by i.indexrelid, i.indrelid"
    ):
        keys.setdefault(row["name"], []).append(set(row["columns"]))
    for content in evidence():
        found = keys[".".join(content.relation)]
        assert any(key <= set(content.key) for key in found), content.name


def test_a_mapped_source_gives_its_known_columns_alone(year: ClosedYear) -> None:
    """A team's view may have what buyers are called."""
    year.owner(
        "create schema mapping",
        "grant usage on schema mapping to settle_orchestrator",
        "create view mapping.orders as select order_id, checkout_id, seller_id, currency,"
        " gross_amount, ordered_at, recorded_at, 'Ada' as buyer_name from marketplace.orders",
        "grant select on mapping.orders to settle_orchestrator",
    )
    [orders] = [content for content in evidence() if content.name == "orders"]
    mapped = replace(orders, relation=("mapping", "orders"))
    with open_reader(year.settings, YEAR) as reader:
        columns = reader.columns(mapped)
        text = b"".join(reader.text(mapped, columns))
    assert columns == [c for c in orders.only or () if c != "exchange_rate"]
    assert b"Ada" not in text
    year.owner("drop schema mapping cascade")

"""An archive of a year: what is in it, that it is whole, and that a check finds what differs."""

import csv
import gzip
import io
import json
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from orchestrator.archive.contents import built, evidence, left_out
from orchestrator.archive.reading import open_reader
from orchestrator.config import Component
from orchestrator.database.connection import connect
from orchestrator.errors import SettleError
from orchestrator.settlement.retention import prune
from tests.archive.closed_year import LAST_WINDOW, YEAR, ClosedYear, make_closed_year
from tests.simulation.databases import name_of
from tests.support.closed_week import ANALYST, FINANCE, NOW, SECOND, WINDOW
from tests.support.settings import at

FOLDER = f"archive-{YEAR}"
ENTRIES = {
    "orders": ("order", "holdback"),
    "order_fees": ("fee", "tax"),
    "refunds": ("refund", "refund_reversed"),
    "dispute_events": ("dispute_opened", "dispute_won", "dispute_lost", "dispute_withdrawn"),
    "seller_charges": ("charge",),
}


@pytest.fixture(scope="module")
def year() -> ClosedYear:
    return make_closed_year()


@pytest.fixture(scope="module")
def archive(year: ClosedYear, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return year.write(tmp_path_factory.mktemp("archives"))


@pytest.fixture
def copy(archive: Path, tmp_path: Path) -> Path:
    """To spoil."""
    folder = tmp_path / FOLDER
    folder.mkdir()
    for file in archive.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def manifest_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


def rows_of(folder: Path, name: str) -> list[dict[str, str]]:
    with gzip.open(folder / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# ---- What is in it ------------------------------------------------------------------------------


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


# ---- How it is written --------------------------------------------------------------------------


def test_the_same_year_is_the_same_bytes_whoever_writes_it(
    year: ClosedYear, archive: Path, tmp_path: Path
) -> None:
    database = name_of(year.settings)  # which is gone afterwards, and the role is not
    change = f"alter role {ANALYST} in database {database} set"
    year.owner(f"{change} timezone = 'Asia/Tokyo'", f"{change} datestyle = 'German'")
    for login in (None, ANALYST, f"{FINANCE}_reads"):
        to = tmp_path / (login or "ours")
        to.mkdir()
        written = year.write(to, login)
        assert {f.name: f.read_bytes() for f in written.iterdir()} == {
            f.name: f.read_bytes() for f in archive.iterdir()
        }
        assert written.stat().st_mode & 0o777 == 0o700
        assert {file.stat().st_mode & 0o777 for file in written.iterdir()} == {0o600}


def test_who_cannot_read_all_of_it_writes_nothing(year: ClosedYear, tmp_path: Path) -> None:
    said = year.settle.refused(
        *("export", "archive", "--year", str(YEAR), "--to", str(tmp_path), "--as", FINANCE),
        **year.password(FINANCE),
    )
    assert said == (
        f"{FINANCE} may not read all of it (permission denied for schema settlement): it takes an"
        f" analyst's login, or the reading one of finance, like {FINANCE}_reads"
    )
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_the_manifests_hash_and_leaves_what_is_there(
    year: ClosedYear, archive: Path, tmp_path: Path
) -> None:
    write = ("export", "archive", "--year", str(YEAR), "--to", str(tmp_path))
    digest = sha256((archive / "manifest.json").read_bytes()).hexdigest()
    file = tmp_path / FOLDER / "manifest.json"
    assert year.settle.done(*write) == f"{digest}  {file}\n"
    said = year.settle.refused(*write)
    assert said == f"{tmp_path / FOLDER} is there already: move it away, or say --to"
    check = ("export", "archive", "--check", str(tmp_path / FOLDER))
    assert year.settle.done(*check).endswith(" rows, as they were\n")


def test_a_year_that_is_not_closed_is_refused(year: ClosedYear, tmp_path: Path) -> None:
    write = ("export", "archive", "--to", str(tmp_path), "--year")
    # Its first days are in the last window of the year before.
    assert year.settle.refused(*write, "2027") == (
        "2027 can change until window 2027-W52 is closed, which has its last instant in UTC;"
        f" the latest close is of {LAST_WINDOW}"
    )
    assert year.settle.refused(*write, "2025") == (
        f"2025 has no stored close: the latest is of {LAST_WINDOW}"
    )
    assert list(tmp_path.iterdir()) == []


LOCKED = "settlement_seeds.currencies"
WAITING = (
    "select pid from pg_stat_activity where wait_event_type = 'Lock' and query like '%currencies%'"
)


@pytest.fixture
def stopped(year: ClosedYear) -> Iterator[Any]:
    """Somebody holds a table of which the archive is to have the rows."""
    with connect(year.settings, Component.OWNER) as owner:
        owner.execute(f"lock table {LOCKED}".encode())
        yield owner
        owner.rollback()


def until_it_waits(year: ClosedYear) -> int:
    """Until the evidence is written, and the next file waits for the lock."""
    for _ in range(600):
        with connect(year.settings, Component.OWNER) as owner:
            found = owner.execute(WAITING).fetchone()
        if found:
            return int(found[0])
        time.sleep(0.1)
    raise AssertionError("it does not wait")


def test_killed_in_the_middle_nothing_is_there(
    year: ClosedYear, stopped: Any, tmp_path: Path
) -> None:
    write = ("export", "archive", "--year", str(YEAR), "--to", str(tmp_path))
    with year.process.start(*write) as process:
        until_it_waits(year)
        process.send_signal(signal.SIGKILL)
        process.wait()
    [left] = tmp_path.iterdir()
    assert left.name.startswith(f".{FOLDER}-")
    assert (left / "payout_lines.csv.gz").exists()
    assert not (left / "manifest.json").exists()
    stopped.rollback()
    assert year.differences(year.write(tmp_path)) == []


def test_an_archive_that_fails_leaves_nothing(
    year: ClosedYear, stopped: Any, tmp_path: Path
) -> None:
    write = ("export", "archive", "--year", str(YEAR), "--to", str(tmp_path))
    with year.process.start(*write) as process:
        pid = until_it_waits(year)
        year.owner(f"select pg_terminate_backend({pid})")
        _, said = process.communicate()
    assert process.returncode == 1
    assert said.startswith("settle: the database does not answer (terminating connection")
    assert len(said.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


# ---- What a check finds -------------------------------------------------------------------------


def test_a_file_that_was_changed_is_named(year: ClosedYear, copy: Path) -> None:
    packed = copy / "window_close_rows.csv.gz"
    text = gzip.decompress(packed.read_bytes())
    packed.write_bytes(gzip.compress(text.replace(b",USDT_", b",USDC_", 1), mtime=0))
    (copy / "refunds.csv.gz").unlink()
    (copy / "notes.txt").write_text("mine")
    found = sha256(packed.read_bytes()).hexdigest()
    assert year.differences(copy) == [
        "refunds.csv.gz: cannot be read (No such file or directory)",
        f"window_close_rows.csv.gz: was changed, its SHA-256 is {found}",
        "'notes.txt': is in the folder, and not in the manifest",
    ]
    answer = year.settle("export", "archive", "--check", str(copy))
    assert answer.code == 1
    assert len(answer.out.splitlines()) == 3
    assert answer.err == f"settle: {copy} and the database differ in 3 places\n"
    answer = year.settle("export", "archive", "--check", str(copy), "--json")
    assert len(json.loads(answer.out)["differences"]) == 3


def test_a_manifest_cannot_be_made_to_fit_a_file(year: ClosedYear, copy: Path) -> None:
    """Of a file that was changed: its own hash, then that of its text, too."""
    manifest = manifest_of(copy)
    names = ("refunds", "seller_charges", "window_close_health")
    files = [f for name in names for f in manifest["files"] if f["name"] == name]
    no_gzip, other_text, no_rows = [copy / f"{name}.csv.gz" for name in names]
    no_gzip.write_bytes(b"refunds")
    other_text.write_bytes(gzip.compress(b"a,b\n1,2\n", mtime=0))
    no_rows.write_bytes(gzip.compress(b"\xff\n", mtime=0))
    for file, path in zip(files, (no_gzip, other_text, no_rows), strict=True):
        file["sha256"] = sha256(path.read_bytes()).hexdigest()
    files[2]["text_sha256"] = sha256(b"\xff\n").hexdigest()
    (copy / "manifest.json").write_text(json.dumps(manifest))
    text = sha256(b"a,b\n1,2\n").hexdigest()
    assert year.differences(copy) == [
        "refunds.csv.gz: cannot be read (it is not gzipped)",
        f"seller_charges.csv.gz: was changed, its text's SHA-256 is {text}",
        "window_close_health: its file has no such columns; nothing but an erasure changes these"
        " rows: find out what did",
    ]


def test_a_manifest_that_was_made_to_fit_is_found_by_the_database(
    year: ClosedYear, copy: Path
) -> None:
    packed = copy / "window_close_entries.csv.gz"
    text = gzip.decompress(packed.read_bytes())
    first = next(csv.DictReader(io.StringIO(text.decode(), newline="")))
    other = text.replace(f",{first['amount_minor']},".encode(), b",1,", 1)
    packed.write_bytes(gzip.compress(other, mtime=0))
    manifest = manifest_of(copy)
    [file] = [f for f in manifest["files"] if f["name"] == "window_close_entries"]
    said = int(file["sums"]["USD"]["amount_minor"])
    forged = said - int(first["amount_minor"]) + 1
    file["sums"]["USD"]["amount_minor"] = str(forged)
    file["sha256"] = sha256(packed.read_bytes()).hexdigest()
    file["text_sha256"] = sha256(other).hexdigest()
    manifest["files"] = [f for f in manifest["files"] if f["name"] != "payout_lines"]
    (copy / "payout_lines.csv.gz").unlink()
    (copy / "manifest.json").write_text(json.dumps(manifest))
    lines = len(year.found("select from finance.payout_lines"))
    key = f"'{first['payout_window']}' '{first['seller_id']}' '{first['source_id']}'"
    assert year.differences(copy) == [
        f"window_close_entries: amount_minor in USD is {forged}, and {said} in the database;"
        f" first at {key} '{first['entry_type']}': amount_minor is '1', and"
        f" '{first['amount_minor']}' in the database; nothing but an erasure changes these rows:"
        " find out what did",
        f"payout_lines: is not in the archive, and the database has {lines} rows",
    ]


@pytest.mark.parametrize(
    ("change", "undo", "said"),
    [
        (
            "update finance.window_close_rows set wallet_address = wallet_address || 'x' where {}",
            "update finance.window_close_rows set wallet_address = rtrim(wallet_address, 'x')"
            " where {}",
            "window_close_rows: first at '{window}' '{seller}': wallet_address is '{wallet}', and"
            " '{wallet}x' in the database; nothing but an erasure",
        ),
        (
            "update finance.window_close_rows set net_minor = net_minor + 1,"
            " gross_minor = gross_minor + 1 where {}",
            "update finance.window_close_rows set net_minor = net_minor - 1,"
            " gross_minor = gross_minor - 1 where {}",
            "window_close_rows: gross_minor in USD is ",
        ),
        (
            "create table public.kept as select * from finance.window_close_health where {};"
            " delete from finance.window_close_health where {}",
            "insert into finance.window_close_health select * from public.kept;"
            " drop table public.kept",
            "window_close_health: {health} rows, and {one_less} in the database; first at row ",
        ),
        (
            "update marketplace.seller_charges set amount = amount + 1"
            " where charge_id = 'subscription-2026-11' and seller_id = 'seller-000001'",
            "update marketplace.seller_charges set amount = amount - 1"
            " where charge_id = 'subscription-2026-11' and seller_id = 'seller-000001'",
            "seller_charges: amount in USD is ",
        ),
    ],
)
def test_a_stored_row_that_was_changed_is_named(
    year: ClosedYear, archive: Path, change: str, undo: str, said: str
) -> None:
    [row] = year.found(
        "select * from finance.window_close_rows where payout_window = %s and wallet_address <> ''"
        ' order by seller_id collate "C" limit 1',
        WINDOW,
    )
    where = f"payout_window = '{WINDOW}' and seller_id = '{row['seller_id']}'"
    year.owner(*change.replace("{}", where).split(";"))
    found = year.differences(archive)
    year.owner(*undo.replace("{}", where).split(";"))
    health = len(rows_of(archive, "window_close_health"))
    expected = said.format(
        window=WINDOW,
        seller=row["seller_id"],
        wallet=row["wallet_address"],
        health=health,
        one_less=health - 1,
    )
    assert [line[: len(expected)] for line in found] == [expected]
    assert year.differences(archive) == []


def test_another_installations_archive_or_none_is_refused(
    year: ClosedYear, copy: Path, tmp_path: Path
) -> None:
    text = (copy / "manifest.json").read_text()
    ours = manifest_of(copy)["installation_id"]
    for spoilt, said in (
        (text.replace(ours, "somebody-else"), "is of another installation (somebody-else), and"),
        (text.replace('"rows": ', '"rows": "x', 1), "is not as an archive's was written (the text"),
        (text.replace('"year": 2026', '"year": "y"'), "is not as an archive's was written (year"),
        (text.replace('"format": 1', '"format": 2'), "has format 2, and this version knows 1"),
    ):
        (copy / "manifest.json").write_text(spoilt)
        with pytest.raises(SettleError) as refusal:
            year.differences(copy)
        assert said in str(refusal.value)
    with pytest.raises(SettleError, match=r"has no manifest\.json"):
        year.differences(tmp_path)


# ---- What goes on -------------------------------------------------------------------------------


def test_pruned_texts_leave_the_archive_as_it_was(year: ClosedYear, archive: Path) -> None:
    later = at(year.settings, NOW.replace(year=2028))
    gone = prune(replace(later, raw_text_months=6))
    assert gone["responses"] == 1
    assert gone["events"] > 0
    at(year.settings, NOW)
    assert year.differences(archive) == []


def test_what_people_decide_later_is_told_from_an_edit(year: ClosedYear, archive: Path) -> None:
    [hold] = year.found("select seller_id from finance.seller_holds")
    year.done(SECOND, "release", WINDOW, hold["seller_id"], "--note", "answered")
    lines = {line.partition(":")[0]: line for line in year.differences(archive)}
    assert lines["seller_holds"].startswith(
        "seller_holds: first at '1': lifted_by is empty, and 'ben' in the database, lifted_at is"
    )
    assert lines["seller_holds"].endswith(" in the database; people go on to decide")
    # A release of a window is a row of its own.
    assert lines.keys() <= {"seller_holds", "hold_releases"}


ERASE = """
update finance.erasures
set
    approved_by = 'ben', approved_at = settle_now(), key_id = '00000000',
    pseudonym = finance.pseudonym('\\x01', 'name'),
    erased_in = (pg_current_xact_id()::text)::bigint
"""


def test_an_archive_from_before_an_erasure_is_to_be_written_again(
    year: ClosedYear, archive: Path, tmp_path: Path
) -> None:
    before = manifest_of(year.write(tmp_path))
    [row] = year.found(
        "select seller_id, wallet_address from finance.payout_lines order by seller_id limit 1"
    )
    with connect(year.settings, Component.OWNER) as owner:
        owner.execute(
            "insert into finance.erasures (seller_id, note) values (%s, '-')", [row["seller_id"]]
        )
        owner.execute(ERASE.encode())
        owner.execute("select finance.erase_seller(e, '\\x01') from finance.erasures as e")
    first, *others = year.differences(archive)
    assert first == (
        f"{row['seller_id']}: erased since, and in this archive as before: write the year again,"
        " and destroy this one and its copies"
    )
    assert any(line.startswith("window_close_rows: first at ") for line in others)
    (tmp_path / "again").mkdir()
    again = year.write(tmp_path / "again")
    assert year.differences(again) == []
    after = manifest_of(again)
    assert after["erased_sellers"] == [row["seller_id"]]
    figures = [
        {f["name"]: (f["rows"], f["sums"]) for f in m["files"] if f["name"] != "erasures"}
        for m in (before, after)
    ]
    # Whoever has the seller's wallet has another check of it now.
    changed = {name for name in figures[0] if figures[0][name] != figures[1][name]}
    assert changed <= {"wallet_checks"}
    text = b"".join(gzip.decompress(f.read_bytes()) for f in again.glob("*.gz")).decode()
    assert row["wallet_address"] not in text

"""What a check of an archive finds: changed files, and rows that differ in the database."""

import csv
import gzip
import io
import json
from hashlib import sha256
from pathlib import Path

import pytest

from orchestrator.errors import SettleError
from tests.archive.closed_year import ClosedYear
from tests.archive.files import manifest_of, rows_of
from tests.support.closed_week import WINDOW


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

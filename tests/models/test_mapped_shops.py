"""The worked examples of docs/mapping.md: three shops' own tables become settlement rows.

All three are built at once, through their views, as one marketplace: what each becomes is the same
as alone, as no figure of a seller reads another's.
"""

import json
from datetime import datetime
from pathlib import Path

import pytest

from orchestrator.config import PROJECT_ROOT, Component, Settings
from orchestrator.database.connection import connect, rows
from orchestrator.dbt.builds import build_arguments
from orchestrator.dbt.runner import run_dbt
from orchestrator.loading.csv_files import SOURCES
from orchestrator.loading.doctor.examine import examine
from orchestrator.loading.doctor.findings import Diagnosis, Severity
from orchestrator.loading.mapping import READERS, apply_mapping, write_mapping
from orchestrator.settlement.check_wallets import check_new_wallets
from tests.support.settings import at

EXAMPLES = PROJECT_ROOT / "docs/examples/mapping"
SHOPS = Path(__file__).parents[1] / "data/shops"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.sql"))
NOW = datetime.fromisoformat("2026-11-17T12:00:00Z")
EMPTY = ("dispute_events", "seller_charges")
# What an example maps, and another view may not: the seller is held as before, nobody else is.
UNMAPPED = {
    "status": "case seller_id when '8' then 'under review' else status end",
    "payouts_enabled": "case when seller_id <> '102' then payouts_enabled end",
    # Whatever a seller typed, and no page of an index has room for.
    "wallet_address": "case seller_id when 'slr_1' then (select string_agg(md5(n::text), '')"
    " from generate_series(1, 300) as n) else wallet_address end",
}


@pytest.fixture(scope="module")
def diagnoses(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Diagnosis]:
    """Each shop mapped as its example says, looked at by the doctor, and set aside."""
    at(settings, NOW)
    found = {}
    files = tmp_path_factory.mktemp("mapping")
    write_mapping(files)
    for name in NAMES:
        with connect(settings, Component.OWNER) as owner:
            apply_mapping(owner, files)
            owner.execute("create schema shop; grant usage on schema shop to settle_owner")
            owner.execute((SHOPS / f"{name}.sql").read_bytes())
            owner.execute("grant select on all tables in schema shop to settle_owner")
            apply_mapping(owner, EXAMPLES / f"{name}.sql")
        with connect(settings, Component.DBT) as dbt:
            found[name] = examine(dbt, schema="mapping")
        with connect(settings, Component.OWNER) as owner:
            owner.execute(
                f"alter schema mapping rename to {name}; alter schema shop rename to {name}_shop"
            )
    return found


@pytest.fixture(scope="module")
def built(settings: Settings, diagnoses: dict[str, Diagnosis]) -> Settings:
    """One build, of the views of all shops together."""
    with connect(settings, Component.OWNER) as owner:
        owner.execute(
            f"create schema mapping; grant usage on schema mapping to settle_owner, {READERS}"
        )
        for source in SOURCES:
            columns = ", ".join(f"{UNMAPPED.get(c, c)} as {c}" for c in source.columns)
            union = " union all ".join(f"select {columns} from {n}.{source.table}" for n in NAMES)
            owner.execute(f"create view mapping.{source.table} as {union}".encode())
            owner.execute(f"alter view mapping.{source.table} owner to settle_owner".encode())
        owner.execute(f"grant select on all tables in schema mapping to {READERS}".encode())
        owner.execute("update finance.installation set sellers_schema = 'mapping'")
    assert check_new_wallets(settings) == 1
    variables = json.dumps({"marketplace_schema": "mapping"})
    # A folder of its own: of other variables dbt parses anew, and so would the next file's build.
    target = str(settings.home / "dbt" / "target-mapped")
    place = ["--target-path", target, "--no-write-json"]
    run_dbt(settings, [*build_arguments(), "--vars", variables, *place])
    return settings


@pytest.mark.parametrize("name", NAMES)
def test_the_doctor_finds_no_error(diagnoses: dict[str, Diagnosis], name: str) -> None:
    assert not [
        finding.line for finding in diagnoses[name].findings if finding.severity is Severity.ERROR
    ]
    counts = diagnoses[name].counts
    assert {table: count for table, count in counts.items() if not count} == dict.fromkeys(EMPTY, 0)


def test_shops_become_settlement_rows(built: Settings) -> None:
    with connect(built, Component.ORCHESTRATOR, is_read_only=True) as database:
        found = rows(
            database,
            "select seller_id, payout_window, gross::text, fees::text, taxes::text, refunds::text,"
            " net::text, rail, hold_reason from settlement.seller_settlement"
            " where status <> 'open' and order_count > 0 order by seller_id collate \"C\"",
        )
    assert [tuple(row.values()) for row in found] == [
        # Spree: commission with its tax, and tax that the marketplace remits.
        ("101", "2026-W46", "120.00", "12.00", "20.00", "30.00", "58.00", "ERC-20",
         "wallet_missing"),
        ("102", "2026-W46", "80.00", "8.00", "0.00", "0.00", "72.00", "ERC-20", "not_verified"),
        # Dokan: what the vendor did not earn; the refund is the vendor's.
        ("7", "2026-W46", "100.00", "10.00", "0.00", "25.00", "65.00", "TRC-20", "wallet_missing"),
        ("8", "2026-W46", "50.00", "5.00", "0.00", "0.00", "45.00", "ERC-20", "seller_suspended"),
        # Mercur: the total as placed, and the refund beside; an order without a capture is none.
        ("slr_1", "2026-W46", "75.50", "7.55", "0.00", "15.00", "52.95", "ERC-20",
         "wallet_invalid"),
        ("slr_2", "2026-W46", "20.00", "2.00", "0.00", "0.00", "18.00", "ERC-20",
         "seller_suspended"),
    ]  # fmt: skip


def test_a_checkout_over_several_sellers_stays_one(built: Settings) -> None:
    with connect(built, Component.ORCHESTRATOR, is_read_only=True) as database:
        found = rows(
            database,
            "select checkout_id, count(distinct seller_id) as sellers from mapping.orders"
            " group by checkout_id having count(distinct seller_id) > 1 order by checkout_id",
        )
    assert [tuple(row.values()) for row in found] == [("900", 2), ("G1", 2), ("og_1", 2)]


def test_nothing_is_an_exception(built: Settings) -> None:
    with connect(built, Component.ORCHESTRATOR, is_read_only=True) as database:
        assert rows(database, "select * from settlement.data_exceptions") == []

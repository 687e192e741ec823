"""A marketplace that a toy system paid for a year goes live: two shadow weeks, a rehearsal, and a
first payout at the rail that is the old system's next one, to the cent."""

import csv
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.halfin_sandbox.store import Store
from tests.cli.people import exported
from tests.support.postgres import open_home
from tests.support.shell import Shell, ShellInProcess

CENT = Decimal("0.01")
DAY, WEEK = timedelta(days=1), timedelta(days=7)
# Of the weeks that the old system paid, the last two are shadow weeks.
WEEKS, GO_LIVE = 52, datetime(2026, 11, 16, tzinfo=UTC)
FIRST = GO_LIVE - WEEKS * WEEK
TUESDAY = GO_LIVE + DAY + timedelta(hours=8)
AFTER = GO_LIVE + WEEK + timedelta(hours=1)
PAYOUT_DAY = TUESDAY + WEEK
WINDOW, SHADOW = "2026-W47", ("2026-W45", "2026-W46")
SELLERS = {
    "s1": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "s2": "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "s3": "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
}
CREATED = "2025-01-01T00:00:00Z"
COLUMNS = {
    "sellers": "seller_id,display_name,region,fast_settlement,wallet_address,status,created_at,"
    "updated_at",
    "orders": "order_id,checkout_id,seller_id,currency,gross_amount,ordered_at,recorded_at",
    "order_fees": "fee_id,order_id,seller_id,fee_type,amount,charged_at,recorded_at",
    "refunds": "refund_id,order_id,seller_id,amount,refunded_at,recorded_at,reason",
}


def label(monday: datetime) -> str:
    return f"{monday:%G-W%V}"


@dataclass
class OldSystem:
    """It pays on Monday what its week made available: orders of a week ago less a tenth, less
    refunds. Nobody taught it settle's rules."""

    rows: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    paid: dict[str, dict[str, Decimal]] = field(default_factory=dict)

    def live(self, until: datetime) -> None:
        """Orders each Saturday at noon, and every second week a refund of the order before. The
        last orders are of the week of the go-live: nobody has paid them yet."""
        for seller, wallet in SELLERS.items():
            self.rows["sellers"].append(
                f"{seller},Shop {seller},EU,false,{wallet},active,{CREATED},{CREATED}"
            )
            for number in range((until - FIRST) // WEEK + 2):
                self._sell(seller, number, FIRST + number * WEEK)

    def _sell(self, seller: str, number: int, monday: datetime) -> None:
        at = (monday - WEEK + 5 * DAY + timedelta(hours=12)).isoformat()
        order, gross = f"o{number}", Decimal(100 + 7 * number + int(seller[1])) + Decimal("0.37")
        fee = (gross / 10).quantize(Decimal("0.01"))
        refund = Decimal("3.21") if number and number % 2 == 0 else Decimal()
        self.rows["orders"].append(f"{order},c{number},{seller},USD,{gross},{at},{at}")
        self.rows["order_fees"].append(
            f"f{number},{order},{seller},commission,{fee},{at},{at}",
        )
        if refund:
            on = (monday + 3 * DAY).isoformat()
            self.rows["refunds"].append(
                f"r{number},o{number - 1},{seller},{refund},{on},{on},broken"
            )
        self.paid.setdefault(label(monday), {})[seller] = gross - fee - refund

    def files(self, folder: Path) -> Path:
        folder.mkdir()
        for name, columns in COLUMNS.items():
            (folder / f"{name}.csv").write_text("\n".join([columns, *self.rows[name], ""]))
        return folder

    def payouts(self, folder: Path, window: str, **other: str) -> Path:
        """The payout file of a week, with what it really paid some sellers."""
        file = folder / f"{window}.csv"
        with file.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["seller_id", "amount"])
            amounts = {**self.paid[window], **{s: Decimal(a) for s, a in other.items()}}
            writer.writerows(sorted(amounts.items()))
        return file


@dataclass(frozen=True)
class Shop:
    """Who decides, with which passwords."""

    home: Path

    def settle(self, now: datetime) -> Shell:
        return ShellInProcess(self.home, SETTLE_NOW=now.isoformat())

    def as_(self, name: str) -> dict[str, str]:
        return {"SETTLE_PASSWORD": EmbeddedPostgres(self.home).password(name)}

    def decide(self, name: str, *arguments: str) -> str:
        return self.settle(TUESDAY).done(*arguments, "--as", name, **self.as_(name))


@pytest.fixture(scope="module")
def old() -> OldSystem:
    old = OldSystem()
    old.live(GO_LIVE)
    return old


@pytest.fixture(scope="module")
def shop(old: OldSystem, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Loaded and built on the Tuesday after the last shadow week."""
    shop = Shop(open_home("rehearsal"))
    settle = shop.settle(TUESDAY)
    settle.done("load", str(old.files(tmp_path_factory.mktemp("old") / "data")))
    settle.done("build")
    for name in ("ana", "ben"):
        settle.done("user", "add", name, "--group", "finance", **shop.as_(name))
    return shop


def shadow(shop: Shop, *files: Path) -> list[dict[str, Any]]:
    found = shop.settle(TUESDAY).done("shadow", *map(str, files), "--json")
    return list(json.loads(found))


def test_weeks_that_the_old_system_paid_are_equal_to_the_cent(
    shop: Shop, old: OldSystem, tmp_path: Path
) -> None:
    windows = [window for window in old.paid if window < WINDOW]
    assert len(windows) == WEEKS
    weeks = shadow(shop, *(old.payouts(tmp_path, window) for window in windows))
    assert [week["payout_window"] for week in weeks] == windows
    assert windows[-2:] == [*SHADOW]
    for week in weeks:
        assert (week["sellers"], week["equal"], week["differing"]) == (3, 3, []), week
        assert week["our_total"] == str(sum(old.paid[week["payout_window"]].values()))
    [(stored,)] = csv.reader(
        shop.settle(TUESDAY)
        .done("sql", "select count(*) from finance.window_closes")
        .splitlines()[1:]
    )
    assert stored == "0"


def test_a_difference_is_explained_by_the_entry_that_makes_it(
    shop: Shop, old: OldSystem, tmp_path: Path
) -> None:
    """W45 has a refund of 3.21 for each: the old system forgot one, and paid another twice."""
    window = SHADOW[0]
    paid = old.paid[window]
    forgotten, odd = paid["s1"] + Decimal("3.21"), paid["s2"] + Decimal("0.01")
    file = old.payouts(tmp_path, window, s1=str(forgotten), s2=str(odd))
    [week] = shadow(shop, file)
    assert (week["equal"], week["explained"], week["unexplained"]) == (1, 1, 1)
    assert [(d["seller_id"], d["difference"], d["explanation"]) for d in week["differing"]] == [
        ("s2", "-0.01", None),
        ("s1", "-3.21", f"the old system left out refund r{WEEKS - 2}"),
    ]
    shown = shop.settle(TUESDAY).done("shadow", str(file))
    assert "left out refund" in shown


def test_files_of_weeks_that_cannot_be_compared_are_refused(
    shop: Shop, old: OldSystem, tmp_path: Path
) -> None:
    settle = shop.settle(TUESDAY)
    said = settle.refused("shadow", str(old.payouts(tmp_path, WINDOW)))
    assert said.startswith(f"window {WINDOW} is not over by the last build")
    bad = tmp_path / "2026-W45.csv"
    bad.write_text("seller_id,amount\ns1,12\n,3\ns2,1.005\n")
    answer = settle("shadow", str(bad))
    assert answer.code == 1
    assert "2026-W45, line 3: seller_id: is empty" in answer.err
    assert "2026-W45, line 4: amount: is not an amount" in answer.err
    named = tmp_path / "november.csv"
    named.write_text("seller_id,amount\ns1,12\n")
    assert "november" in settle.refused("shadow", str(named))


def test_go_live_is_rehearsed_and_its_first_payout_is_the_old_systems_next_one(
    shop: Shop, old: OldSystem, tmp_path: Path
) -> None:
    settle = shop.settle(TUESDAY)
    rehearse = ("go-live", "rehearse")
    assert settle.refused(*rehearse).startswith("no go-live waits for approval")

    # With a week that the old system paid, to compare; its debt was in that payout already.
    last = SHADOW[1]
    shop.decide("ana", "go-live", last, "--note", "a rehearsal")
    payouts = str(old.payouts(tmp_path, last))
    found = json.loads(settle.done(*rehearse, "--compare", payouts, "--json"))
    assert (found["payout_window"], found["is_closed"], found["holds"]) == (last, True, [])
    total = str(sum(old.paid[last].values()))
    assert (found["pays"]["line_count"], found["pays"]["total"]) == (3, total)
    assert found["pays"]["carried_in"] == "0.00"
    assert found["comparison"]["equal"] == 3
    before = [window for window in old.paid if window < last]
    elsewhere = sum(Decimal(part["total"]) for part in found["settled_elsewhere"])
    assert elsewhere == sum(sum(old.paid[window].values()) for window in before)
    # Nothing was decided, and the live models know of nothing.
    opened = "select opened_at = '-infinity' from settlement_core.int_build"
    assert settle.done("sql", opened).splitlines()[1:] == ["t"]
    shop.decide("ben", "go-live", "withdraw", "1")

    balances = tmp_path / "balances.csv"
    balances.write_text("seller_id,amount\ns3,-5.00\n")
    arguments = ("go-live", WINDOW, "--balances", str(balances), "--note", "the old system ends")
    shop.decide("ana", *arguments)
    shop.decide("ben", "go-live", "approve", "2")

    after = shop.settle(AFTER)
    after.done("close")
    exports = after.done("export", WINDOW, "--to", str(tmp_path)).rstrip("\n")
    _, lines = exported(Path(exports))
    expected = {**old.paid[WINDOW], "s3": old.paid[WINDOW]["s3"] - 5}
    assert {line["seller_id"]: Decimal(line["net"]) for line in lines} == expected
    assert paid_at_the_rail(shop) == expected


def paid_at_the_rail(shop: Shop) -> dict[str, Decimal]:
    """Two people approve the window, and it is paid: what the rail's own books have of it."""
    settle = shop.settle(PAYOUT_DAY)
    digest = json.loads(settle.done("review", WINDOW, "--json"))["digest"]
    for name in ("ana", "ben"):
        settle.done("approve", WINDOW, "--digest", digest, "--as", name, **shop.as_(name))
    books = shop.home / "books.json"
    nobody = "http://127.0.0.1:1/"  # takes webhooks: the rail's answer is enough here
    sandbox = ("sandbox", "--port", "0", "--webhook-url", nobody, "--state-file", str(books))
    with settle.start(*sandbox) as process:
        assert process.stdout
        try:
            settle.done("pay", WINDOW, HALFIN_BASE_URL=process.stdout.readline().split()[-1])
        finally:
            process.terminate()
    payouts: dict[str, Any] = {}
    for kept in Store(books).load():
        payouts |= kept["payouts"]
    return {
        paid["metadata"]["seller_id"]: Decimal(paid["amount"]).quantize(CENT)
        for paid in payouts.values()
    }

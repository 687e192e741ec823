"""Wallets as accounts: blocks in any spelling, releases that last, what is never frozen."""

import json
from dataclasses import replace

import base58
import pytest

from orchestrator.decisions.csv_rows import rows_of_file
from tests.functions.market import DUE, LINES, NEXT_WINDOW, WEEK, WINDOW, Line, Market
from tests.functions.payment_server import ORCHESTRATOR, OWNER

TRON, EVM = LINES[0].wallet, LINES[1].wallet
TRON_HEX = base58.b58decode_check(TRON).hex()
BLOCK = "select finance.block_wallet(%s, 'sanctions')"
UNBLOCK = "select finance.unblock_wallet(%s, 'a mistake')"
FILE = "select * from finance.block_wallets(%s, %s)"
RELEASE = "select finance.release_hold(%s, %s, 'confirmed with them')"
RENAME = "update marketplace.sellers set wallet_address = %s where seller_id = %s"


def held(market: Market, window: str = WINDOW) -> dict[str, list[str]]:
    query = "select seller_id, hold_reasons from finance.current_holds(%s)"
    found = market.rows("dora", query, window)
    return {row["seller_id"]: row["hold_reasons"] for row in found}


@pytest.mark.parametrize(
    ("spelling", "account"),
    [
        (EVM, EVM.lower()),
        (EVM.lower(), EVM.lower()),
        ("0X" + EVM[2:].upper(), EVM.lower()),
        (f" {EVM}\t\r\n", EVM.lower()),
        (TRON, TRON),
        (TRON_HEX, TRON),
        ("0x" + TRON_HEX.upper(), TRON),
        (LINES[2].wallet, LINES[2].wallet),
        ("", ""),
        ("0xtypo", "0xtypo"),
    ],
)
def test_an_account_is_one_text(market: Market, spelling: str, account: str) -> None:
    assert market.value("dora", "select finance.wallet_account(%s)", spelling) == account


@pytest.mark.parametrize(
    ("seller", "spelling"),
    [("s10", EVM.lower()), ("s10", "0X" + EVM[2:].upper()), ("s1", TRON_HEX), ("s2", None)],
)
def test_a_block_holds_the_account_however_it_is_spelled(
    market: Market, seller: str, spelling: str | None
) -> None:
    wallet = next(line.wallet for line in LINES if line.seller == seller)
    market.approved()
    assert market.value("ana", BLOCK, spelling or wallet) is True
    assert market.value("ben", BLOCK, wallet) is False
    assert {s for s, reasons in held(market).items() if reasons == ["wallet_blocked"]} == {seller}
    market.freeze()
    assert seller not in {s for (s,) in market.lines("seller_id")}
    market.rows("ben", UNBLOCK, wallet)
    assert not any(held(market).values())


def test_a_file_of_blocks_is_one_decision_with_a_report(market: Market) -> None:
    market.approved()
    market.value("ben", BLOCK, EVM.lower())
    text = f"wallet,note\n  {TRON_HEX} ,a court order\n{EVM},\n0x{'1' * 40},\n"
    rows = rows_of_file(text, {"wallet": True, "note": False})
    [found] = market.rows("ana", FILE, rows, "list of today")
    assert tuple(found.values())[:3] == (2, 1, 2)
    assert found["report"].splitlines() == [
        f"line 2: {TRON_HEX} is blocked; it is the wallet of s1",
        f"line 3: {EVM} was blocked before; it is the wallet of s10",
    ]
    blocks = market.rows(
        "dora", "select blocked_by, note from finance.wallet_blocks order by block_id"
    )
    assert [tuple(row.values()) for row in blocks] == [
        ("ben", "sanctions"),
        ("ana", "a court order"),
        ("ana", "list of today"),
    ]
    assert {s for s, reasons in held(market).items() if reasons} == {"s1", "s10"}


def test_a_file_with_a_bad_row_blocks_nothing(market: Market) -> None:
    market.close()
    texts = ("", " ", EVM, EVM.lower(), "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq")
    texts += (f"{TRON} {TRON}", "0x12", TRON, "41" + TRON_HEX[2:])
    rows = [{"line": n, "wallet": text} for n, text in enumerate(texts, start=2)]
    unknown = "wallet: looks like no TRC-20, ERC-20 or SPL address; leave the row out, or fix it"
    assert market.faults("ana", FILE, json.dumps(rows), "x") == [
        "line 2: wallet: is empty; every row needs one",
        "line 3: wallet: is empty; every row needs one",
        "line 5: wallet: is the same account as on line 4; keep one of the two",
        f"line 6: {unknown}",
        "line 7: wallet: has white space in it; give one address a row",
        f"line 8: {unknown}",
        "line 10: wallet: is the same account as on line 9; keep one of the two",
    ]
    assert market.rows("dora", "select * from finance.wallet_blocks") == []


@pytest.mark.parametrize(
    ("wallet", "fault"),
    [
        ("0xtypo", "looks like no TRC-20, ERC-20 or SPL address"),
        (EVM[:-1], "looks like no TRC-20, ERC-20 or SPL address"),
        (f"{EVM} {TRON}", "has white space in it"),
        (" ", "is empty"),
        (None, "is empty"),
    ],
)
def test_what_no_rail_pays_to_is_not_blocked(
    market: Market, wallet: str | None, fault: str
) -> None:
    assert market.refusal("ana", BLOCK, wallet) == (
        f"wallet {'<NULL>' if wallet is None else wallet} was not blocked: it {fault};"
        " give the address as its network spells it"
    )
    assert market.rows("dora", "select * from finance.wallet_blocks") == []


@pytest.mark.parametrize("reason", ["wallet_shared", "wallet_unchecksummed"])
def test_a_release_lasts_as_long_as_the_seller_keeps_the_wallet(
    market: Market, reason: str
) -> None:
    line = Line("s10", 100_000, "ERC-20", (reason,))
    market.close(line)
    assert market.value("ana", RELEASE, WINDOW, "s10") == reason
    assert held(market) == {"s10": []}
    market.close(line, weeks=1)
    assert held(market, NEXT_WINDOW) == {"s10": []}, "the same wallet a week later"
    market.rows(OWNER, RENAME, EVM.lower(), "s10")
    assert reason not in held(market, NEXT_WINDOW)["s10"], "another spelling of it"
    market.rows(OWNER, RENAME, "another", "s10")
    market.rows(OWNER, RENAME, EVM, "s10")
    assert held(market, NEXT_WINDOW) == {"s10": [reason]}, "it was gone meanwhile"


def test_a_lasting_release_is_not_approved_alone_by_who_gave_it(market: Market) -> None:
    """Nor in a later window, until somebody else has approved a line under it."""
    line = Line("s10", 100_000, "ERC-20", ("wallet_shared",))
    market.close(line)
    market.value("ana", RELEASE, WINDOW, "s10")
    market.close(line, weeks=1)
    market.approve("ana", window=NEXT_WINDOW)
    market.at(DUE + WEEK)
    freeze = f"select finance.freeze_batch('{NEXT_WINDOW}')"
    assert market.refusal(ORCHESTRATOR, freeze) == (
        "ana released a held seller of 2026-W48 and is its only approver:"
        " somebody else must approve too"
    )
    market.approve("ben", window=NEXT_WINDOW)
    market.freeze(NEXT_WINDOW)
    market.close(replace(line, net_minor=200_000), weeks=2)
    market.approve("ana", window="2026-W49")
    market.at(DUE + 2 * WEEK)
    assert market.obstacles("2026-W49") == []


def test_a_release_of_another_reason_is_for_its_window(market: Market) -> None:
    line = Line("s10", 100_000, "ERC-20", ("above_maximum",))
    market.close(line)
    market.value("ana", RELEASE, WINDOW, "s10")
    market.close(line, weeks=1)
    assert held(market, NEXT_WINDOW) == {"s10": ["above_maximum"]}


def test_a_lasting_release_is_for_the_account_of_the_row(market: Market) -> None:
    """The seller has moved on when a person releases the wallet that the row pays."""
    market.close(Line("s10", 100_000, "ERC-20", ("wallet_shared",)))
    market.rows(OWNER, RENAME, "another", "s10")
    assert market.value("ana", RELEASE, WINDOW, "s10") == "wallet_shared"
    assert held(market) == {"s10": ["wallet_changed"]}


@pytest.mark.parametrize(
    "change",
    [
        "update finance.wallet_checks set is_payable = false where wallet_address = %s",
        "update finance.wallet_checks set is_checksummed = false where wallet_address = %s",
    ],
)
def test_nobodys_wallet_and_an_unconfirmed_one_are_not_frozen(market: Market, change: str) -> None:
    """Whatever the stored row says of it."""
    market.approved()
    market.rows(OWNER, "set session_replication_role = replica")
    market.rows(OWNER, change, LINES[0].wallet)
    market.rows(OWNER, "reset session_replication_role")
    assert market.refusal(ORCHESTRATOR, "select finance.freeze_batch('2026-W47')").startswith(
        "the wallet of seller s1 in 2026-W47 is not a checked wallet of its rail"
    )


def test_a_confirmed_one_case_address_is_paid(market: Market) -> None:
    line = Line("s10", 100_000, "ERC-20", ("wallet_unchecksummed",))
    market.close(line)
    market.rows(OWNER, "set session_replication_role = replica")
    query = "update finance.wallet_checks set is_checksummed = false where wallet_address = %s"
    market.rows(OWNER, query, EVM)
    market.rows(OWNER, "reset session_replication_role")
    market.value("ana", RELEASE, WINDOW, "s10")
    market.approve("ben")
    market.at(DUE)
    market.freeze()
    assert market.lines("seller_id, wallet_address") == [("s10", EVM)]


def test_who_was_first_in_one_statement_is_the_older_seller(market: Market) -> None:
    market.at(DUE + WEEK)
    market.rows(
        OWNER,
        "insert into marketplace.sellers select s, s, 'EU', false, 'the same', 'active', true, c, c"
        " from (values ('a', now()), ('b', now() - interval '1 day')) as v (s, c)",
    )
    found = market.rows(
        OWNER,
        "select seller_id from finance.wallet_sightings where account = 'the same'"
        " order by sighting_id",
    )
    assert [row["seller_id"] for row in found] == ["b", "a"]


@pytest.mark.parametrize(("age", "order"), [("created_at,", ["b", "a"]), ("", ["a", "b"])])
def test_who_was_first_in_one_look_is_the_older_seller(
    fresh: Market, age: str, order: list[str]
) -> None:
    """In a view of the team's own, of which no trigger sees a change; it need not say the age."""
    fresh.rows(
        OWNER,
        "set role settle_owner; create view marketplace.mapped as"
        f" select seller_id, {age} status, payouts_enabled, wallet_address from (values"
        " ('a', now(), 'active', true, 'the same'),"
        " ('b', now() - interval '1 day', 'active', true, 'the same')"
        ") as v (seller_id, created_at, status, payouts_enabled, wallet_address)",
    )
    fresh.rows(OWNER, "update finance.installation set sellers_table = 'mapped'; reset role")
    assert fresh.value(ORCHESTRATOR, "select finance.sight_wallets()") == 2
    query = "select seller_id from finance.wallet_sightings order by sighting_id"
    assert [row["seller_id"] for row in fresh.rows(OWNER, query)] == order


def test_of_a_seller_with_rows_that_differ_none_is_believed(fresh: Market) -> None:
    """A view of the team's own has them, since the close: they are held, and nobody else."""
    fresh.close(*LINES)
    fresh.at(DUE)
    columns = "seller_id, status, payouts_enabled, wallet_address"
    fresh.rows(
        OWNER,
        "set role settle_owner; create view marketplace.mapped as"
        f" select {columns} from marketplace.sellers union all select seller_id,"
        " case seller_id when 's1' then 'suspended' else status end, payouts_enabled,"
        " case seller_id when 's10' then 'another' else wallet_address end"
        " from marketplace.sellers",
    )
    fresh.rows(OWNER, "update finance.installation set sellers_table = 'mapped'; reset role")
    holds = "select seller_id, hold_reasons from finance.current_holds(%s) order by seller_id"
    assert [tuple(row.values()) for row in fresh.rows("dora", holds, WINDOW)] == [
        ("s1", ["seller_suspended"]),
        ("s10", ["wallet_changed"]),
        ("s2", []),
    ]
    fresh.approve("ana")
    fresh.freeze()
    assert fresh.lines("seller_id") == [("s2",)]

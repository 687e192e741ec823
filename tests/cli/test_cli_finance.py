"""What people decide at a prompt: adjustments, limits, pauses, blocks, checks; and who may not."""

from pathlib import Path

import pytest

from orchestrator.config import Component
from tests.cli.people import UNKNOWN, Desk, open_desk
from tests.support.closed_week import (
    ANALYST,
    FINANCE,
    NOW,
    OPEN_WINDOW,
    SECOND,
    WINDOW,
    WINDOW_BEFORE,
)

SELLER = "seller-000001"
NOTE = ("--note", "because")


@pytest.fixture(scope="module")
def desk() -> Desk:
    return open_desk()


@pytest.mark.parametrize(
    "arguments",
    [
        ("adjust", "enter", SELLER, "1.00", *NOTE),
        ("adjust", "approve", "1"),
        ("adjust", "withdraw", "1"),
        ("adjust", "approve", "--file-id", "1"),
        ("adjust", "withdraw", "--file-id", "1"),
        ("reserve", "assign", SELLER, "elevated", *NOTE),
        ("reserve", "approve", "1"),
        ("reserve", "withdraw", "--file-id", "1"),
        ("erase", SELLER, *NOTE),
        ("erase", "approve", SELLER),
        ("erase", "withdraw", SELLER),
        ("go-live", WINDOW, *NOTE),
        ("go-live", "withdraw", "1"),
        ("policy", "propose", "maximum_line", "1.00", *NOTE),
        ("policy", "confirm", "1"),
        ("policy", "withdraw", "1"),
        ("pause", *NOTE),
        ("resume", *NOTE),
        ("block", "0x1", *NOTE),
        ("unblock", "0x1", *NOTE),
        ("accept", WINDOW, "unusual_total", *NOTE),
        ("resolve", WINDOW, "--rejected", *NOTE),
        ("breaks", "close", "1", *NOTE),
        ("hold", SELLER, *NOTE),
        ("release", WINDOW, SELLER, *NOTE),
        ("revoke", WINDOW),
    ],
    ids=" ".join,
)
def test_analysts_cannot_decide(desk: Desk, arguments: tuple[str, ...]) -> None:
    said = desk.refused(ANALYST, *arguments)
    assert said.startswith("eve may not do this (permission denied for ")
    assert said.endswith("it takes a login of the finance group")


def test_adjustment_needs_a_second_person(desk: Desk) -> None:
    assert desk.settle.done("adjust", "list") == "There is no adjustment.\n"
    said = desk.done(FINANCE, "adjust", "enter", SELLER, "-3.00", "--note", "a fee refunded twice")
    assert said == (
        f"Adjustment 1 of -3.00 for {SELLER} waits: another person must approve it.\n"
        "settle adjust approve 1\n"
    )
    assert desk.refused(FINANCE, "adjust", "approve", "1") == (
        "ana entered adjustment 1: somebody else must approve it"
    )
    said = desk.done(SECOND, "adjust", "approve", "1")
    assert said == f"ben approved adjustment 1: -3.00 for {SELLER}.\n"
    again = "adjustment 1 was approved by ben before"
    assert desk.refused(SECOND, "adjust", "approve", "1") == again

    for amount in ("12.5", "8000000000000.01"):
        desk.done(SECOND, "adjust", "enter", SELLER, amount, *NOTE)
    assert desk.done(SECOND, "adjust", "withdraw", "2") == "ben withdrew adjustment 2.\n"
    assert desk.refused(SECOND, "adjust", "withdraw", "2") == (
        "adjustment 2 is not open: see settle adjust list"
    )
    assert desk.refused(FINANCE, "adjust", "approve", "2") == (
        "adjustment 2 was withdrawn by ben: enter it again"
    )
    assert desk.refused(FINANCE, "adjust", "approve", "3") == (
        "adjustment 3 of 8000000000000.01 is above the limit of one line (250000.00):"
        " raise the limit first"
    )
    assert desk.refused(FINANCE, "adjust", "approve", "9") == (
        "there is no adjustment 9: see settle adjust list"
    )
    unknown = desk.refused(FINANCE, "adjust", "enter", "nobody", "1.00", *NOTE)
    assert unknown == "seller nobody is not known: nothing was entered"

    found = desk.json("adjust", "list")
    assert [(a["adjustment_id"], a["state"], a["amount"]) for a in found] == [
        (3, "open", "8000000000000.01"),
        (2, "withdrawn", "12.50"),
        (1, "approved", "-3.00"),
    ]
    assert (found[2]["reason"], found[2]["entered_by"]) == ("a fee refunded twice", FINANCE)
    assert (found[2]["approved_by"], found[1]["withdrawn_by"]) == (SECOND, SECOND)
    assert "a fee refunded twice" in desk.settle.done("adjust", "list")


def test_limit_needs_a_second_person(desk: Desk) -> None:
    propose = ("policy", "propose", "minimum_line")
    assert desk.done(FINANCE, *propose, "2.5", "--rail", "SPL", *NOTE) == (
        "Proposal 6 waits: minimum_line of SPL 2.5; another person must confirm it.\n"
        "settle policy confirm 6\n"
    )
    assert desk.refused(FINANCE, "policy", "confirm", "6") == (
        "ana proposed 6: somebody else must confirm it"
    )
    said = desk.done(SECOND, "policy", "confirm", "6")
    assert said == "ben confirmed: minimum_line of SPL 2.50 applies from now on.\n"
    again = "proposal 6 was confirmed by ben before"
    assert desk.refused(SECOND, "policy", "confirm", "6") == again
    assert desk.refused(FINANCE, *propose, "2.00", *NOTE) == (
        "there is no limit minimum_line for rail any: see settle policy list"
    )
    desk.done(FINANCE, "policy", "propose", "dual_approval_above", "0", *NOTE)
    desk.done(FINANCE, "policy", "propose", "maximum_line", "9.00", *NOTE)
    assert desk.done(FINANCE, "policy", "withdraw", "7") == "ana withdrew proposal 7.\n"
    assert desk.refused(SECOND, "policy", "confirm", "7") == (
        "proposal 7 was withdrawn by ana: propose it again"
    )
    assert desk.refused(SECOND, "policy", "withdraw", "7") == (
        "proposal 7 is not open: see settle policy list"
    )
    unknown = desk.refused(SECOND, "policy", "confirm", "99")
    assert unknown == "there is no proposal 99: see settle policy list"

    found = desk.json("policy", "list")
    assert [(p["policy_id"], p["state"], p["rail"], p["amount"]) for p in found] == [
        (1, "holds", None, "1000000.00"),
        (2, "holds", None, "250000.00"),
        (3, "holds", "ERC-20", "10.00"),
        (6, "holds", "SPL", "2.50"),
        (5, "holds", "TRC-20", "5.00"),
        (8, "open", None, "9.00"),
        (7, "withdrawn", None, "0.00"),
        (4, "replaced", "SPL", "1.00"),
    ]
    assert (found[3]["proposed_by"], found[3]["confirmed_by"]) == (FINANCE, SECOND)
    assert found[3]["confirmed_at"] == NOW.isoformat()
    assert "the installation" in desk.settle.done("policy", "list")


def test_one_person_pauses_payouts_and_two_resume_them(desk: Desk) -> None:
    assert desk.refused(FINANCE, "resume", *NOTE) == "payouts are not paused"
    assert desk.done(FINANCE, "pause", "--note", "odd webhooks") == (
        "ana paused payouts: nothing is frozen or sent until two people resume them.\n"
    )
    pause = "payouts are paused since 2026-11-17 08:00 UTC by ana (odd webhooks)"
    document = desk.json("review", WINDOW)
    assert document["pause"].startswith(pause)
    assert document["pause"] in document["obstacles"]
    # Of a window that is not payable anyway the pause is the only word about it.
    assert f"- {pause}" in desk.settle.done("review", WINDOW_BEFORE)
    for _ in range(2):
        assert desk.done(FINANCE, "resume", *NOTE) == (
            "ana agreed to resume payouts; one more person must.\n"
        )
    assert desk.json("review", WINDOW)["pause"].endswith("two people must resume them, 1 so far")
    assert desk.done(SECOND, "resume", *NOTE) == "ben resumed payouts: they go on.\n"
    assert desk.json("review", WINDOW)["pause"] is None


def test_blocked_wallet_is_not_payable(desk: Desk) -> None:
    [line, *_] = desk.rows(
        Component.ORCHESTRATOR,
        "select * from finance.current_holds(%s) where cardinality(hold_reasons) = 0",
        WINDOW,
    )
    wallet, count = line["wallet_address"], desk.json("review", WINDOW)["line_count"]
    assert desk.done(FINANCE, "block", wallet, *NOTE) == f"Wallet {wallet} is blocked.\n"
    assert desk.done(SECOND, "block", wallet, *NOTE) == f"Wallet {wallet} was blocked before.\n"
    [block] = desk.json("blocks")
    assert (block["wallet"], block["sellers"]) == (wallet, line["seller_id"])
    assert (block["blocked_by"], block["note"]) == (FINANCE, NOTE[1])
    assert wallet in desk.settle.done("blocks")
    document = desk.json("review", WINDOW)
    assert document["line_count"] == count - 1
    assert "wallet_blocked" in [hold["reason"] for hold in document["holds"]]
    assert desk.refused(FINANCE, "unblock", wallet, *NOTE) == (
        f"ana blocked wallet {wallet}: somebody else must lift it"
    )
    said = desk.done(SECOND, "unblock", wallet, *NOTE)
    assert said == f"Wallet {wallet} is no longer blocked.\n"
    assert desk.json("blocks") == []
    assert desk.refused(SECOND, "unblock", wallet, *NOTE) == (
        f"wallet {wallet} is not blocked: settle blocks, or Blocks in the console, lists those"
        " that are"
    )
    assert desk.json("review", WINDOW)["line_count"] == count
    assert desk.refused(FINANCE, "block", "0xtypo", *NOTE) == (
        "wallet 0xtypo was not blocked: it looks like no TRC-20, ERC-20 or SPL address; give the"
        " address as its network spells it"
    )
    unnamed = f"0x{'7' * 40}"
    assert desk.done(FINANCE, "block", unnamed, *NOTE) == (
        f"Wallet {unnamed} is blocked. No seller has ever named it: mind the spelling.\n"
    )
    assert [row["wallet"] for row in desk.json("blocks")] == [unnamed]


def test_a_file_of_wallets_is_blocked_whole_with_a_report(desk: Desk, tmp_path: Path) -> None:
    [row, *_] = desk.rows(
        Component.ORCHESTRATOR,
        "select * from finance.current_holds(%s) where cardinality(hold_reasons) = 0",
        WINDOW,
    )
    wallet, before = row["wallet_address"], len(desk.json("blocks"))
    file = tmp_path / "list.csv"
    evm = "0x52908400098527886E0F7030069857D2E4169EE7"
    rows = (wallet, "0xtypo", "", evm, f" {evm.lower()}\t", f"{evm} {wallet}", "bc1qar0srrr", " ")
    file.write_text("wallet,note\n" + "".join(f"{text},x\n" for text in rows))
    answer = desk.settle(
        *("block", "--file", str(file), *NOTE, "--as", FINANCE), **desk.password(FINANCE)
    )
    assert (answer.code, answer.out) == (1, "")
    assert sorted(filter(None, answer.err.splitlines())) == [
        "line 3: wallet: looks like no TRC-20, ERC-20 or SPL address; leave the row out, or fix it",
        "line 4: wallet: is empty; every row needs one",
        "line 6: wallet: is the same account as on line 5; keep one of the two",
        "line 7: wallet: has white space in it; give one address a row",
        "line 8: wallet: looks like no TRC-20, ERC-20 or SPL address; leave the row out, or fix it",
        "line 9: wallet: is empty; every row needs one",
        "settle: 6 rows of the file cannot be taken: nothing was stored; fix the file and try"
        " again",
    ]
    assert len(desk.json("blocks")) == before
    file.write_text(f"wallet,note\n{wallet},a court order\n0x{'8' * 40},\n")
    assert desk.done(FINANCE, "block", "--file", str(file), *NOTE) == (
        f"{FINANCE} blocked a file of 2: 2 new, 0 blocked before, 1 named by sellers.\n"
        f"line 2: {wallet} is blocked; it is the wallet of {row['seller_id']}\n"
    )
    notes = {block["wallet"]: block["note"] for block in desk.json("blocks")[:2]}
    assert notes == {wallet: "a court order", f"0x{'8' * 40}": NOTE[1]}
    assert desk.done(SECOND, "unblock", wallet, *NOTE) == f"Wallet {wallet} is no longer blocked.\n"


def test_failed_check_blocks_until_two_people_accept_it(desk: Desk) -> None:
    found = desk.json("checks", WINDOW)
    assert {(c["state"], *c["accepted_by"]) for c in found} == {("passed",)}
    accept = ("accept", WINDOW, "unusual_total", *NOTE)
    assert desk.refused(FINANCE, *accept) == (
        f"check unusual_total does not fail for window {WINDOW}: nothing to accept"
    )
    desk.rows(
        Component.OWNER,
        "update handover.window_checks set is_passed = false, detail = 'far more than usual'"
        " where payout_window = %s and check_name = 'unusual_total' returning 1",
        WINDOW,
    )
    [failed, *rest] = desk.json("checks", WINDOW)
    assert (failed["check_name"], failed["state"]) == ("unusual_total", "failed")
    assert {c["state"] for c in rest} == {"passed"}
    for _ in range(2):
        said = desk.done(FINANCE, *accept)
        assert said == f"ana accepted unusual_total of {WINDOW}; one more person must accept it.\n"
    assert desk.json("review", WINDOW)["obstacles"][0] == (
        f"check unusual_total of {WINDOW} failed (far more than usual): mend it, or two people"
        " accept it (ana so far)"
    )
    said = desk.done(SECOND, *accept)
    assert said == f"ben accepted unusual_total of {WINDOW}: it no longer stops the payout.\n"
    [check] = desk.json("review", WINDOW)["failed_checks"]
    assert (check["check_name"], check["accepted_by"]) == ("unusual_total", [FINANCE, SECOND])
    assert desk.json("checks", WINDOW)[0]["state"] == "accepted"
    assert "far more than usual" in desk.settle.done("checks", WINDOW)
    assert desk.settle.refused("checks", "2026-W10").startswith("window 2026-W10 does not exist")
    open_window = desk.refused(FINANCE, "accept", OPEN_WINDOW, "not_computed", *NOTE)
    assert open_window == (
        f"the checks of {OPEN_WINDOW} were not computed, which nobody can accept: run settle build"
    )


def test_review_lists_releases(desk: Desk) -> None:
    assert desk.done(FINANCE, "hold", SELLER, *NOTE) == f"{SELLER} is held.\n"
    assert desk.done(SECOND, "hold", SELLER, *NOTE) == f"{SELLER} was held before.\n"
    said = desk.done(SECOND, "release", WINDOW, SELLER, "--note", "they called back")
    assert said == f"{SELLER} is released from manual_review in {WINDOW}.\n"
    [release] = desk.json("review", WINDOW)["releases"]
    assert (release["seller_id"], release["released_by"]) == (SELLER, SECOND)
    assert (release["reason"], release["note"]) == ("manual_review", "they called back")


def test_unknown_batch_is_rejected_once_two_people_confirm() -> None:
    desk = open_desk()
    resolve = ("resolve", WINDOW, "--rejected", "--note", "asked halfin, case 12")
    nothing = f"window {WINDOW} has no batch, or it was rejected: nothing to resolve"
    assert desk.refused(FINANCE, *resolve) == nothing
    desk.approve()
    desk.freeze()
    assert desk.refused(FINANCE, *resolve) == (
        f"the batch of {WINDOW} is frozen, not unknown: only the rail's answer moves it"
    )
    desk.answered(*UNKNOWN)
    for _ in range(2):
        assert desk.done(FINANCE, *resolve) == (
            f"ana reports that halfin does not have the batch of {WINDOW};"
            " one more person who has asked must confirm it.\n"
        )
    batch = desk.json("review", WINDOW)["batch"]
    assert batch["state"] == "unknown"
    assert desk.done(SECOND, *resolve) == (
        f"2 people have asked: the batch of {WINDOW} is rejected, {batch['line_count']} lines"
        f" of {batch['total']} USD went back to their sellers' balance.\n"
    )
    assert desk.refused(SECOND, *resolve) == nothing
    document = desk.json("review", WINDOW)
    assert (document["state"], document["batch"]["state"]) == ("stored", "rejected")
    assert document["batch"]["note"].startswith("two people have asked the rail and say")
    assert {o["came_back"] for o in document["batch"]["outcomes"]} == {batch["line_count"]}
    seller = str(desk.payouts()[0]["id"]).removeprefix("payout-")
    said = desk.settle.refused("receipt", WINDOW, seller)
    assert f"the line of {seller} in {WINDOW} was rejected with its batch: nothing was paid" in said
    assert [a["kind"] for a in desk.json("alerts")] == ["rejected", "unknown"]


HEADER = (
    "seller_id,display_name,region,fast_settlement,wallet_address,status,created_at,updated_at\n"
)
LEAVER = "leaver-1,Kaito Ceramics,EU,false,{},closed,2026-01-01T00:00:00Z,{}\n"
WALLET = "0x52908400098527886E0F7030069857D2E4169EE7"


def test_two_people_erase_a_seller_and_a_file_does_not_bring_them_back(
    desk: Desk, tmp_path: Path
) -> None:
    def load(updated_at: str) -> str:
        text = HEADER + LEAVER.format(WALLET, updated_at)
        (tmp_path / "sellers.csv").write_text(text, encoding="utf-8")
        return desk.settle.done("load", str(tmp_path))

    assert desk.settle.done("erase", "list") == "Nobody was erased.\n"
    load("2026-02-01T00:00:00Z")
    refused = "seller seller-000001 cannot be erased yet: their status is active"
    assert desk.refused(FINANCE, "erase", SELLER, *NOTE).startswith(refused)
    said = desk.done(FINANCE, "erase", "leaver-1", "--note", f"Kaito Ceramics asked, {WALLET}")
    assert said == (
        "ana proposed to erase the name and the wallets of leaver-1; another person must approve"
        " it.\nsettle erase approve leaver-1\n"
    )
    assert desk.refused(FINANCE, "erase", "approve", "leaver-1") == (
        "ana proposed to erase leaver-1: somebody else must approve it"
    )
    said = desk.done(SECOND, "erase", "approve", "leaver-1")
    [erased] = desk.json("erase", "list")
    assert f"who is {erased['pseudonym']} from now on" in said
    assert (erased["state"], erased["proposed_by"], erased["decided_by"]) == (
        "erased",
        "ana",
        "ben",
    )
    assert "Kaito" not in erased["note"]
    assert WALLET not in erased["note"]
    # The key is in the home, and shows what stood there.
    assert "a wallet that they named" in desk.settle.done("erase", "check", "leaver-1", WALLET)
    assert desk.settle.refused("erase", "check", "leaver-1", WALLET.lower()).startswith(
        "nothing erased of leaver-1 was that"
    )
    # The same file, one that is newer, and that one again.
    for updated_at in ("2026-02-01T00:00:00Z", "2027-02-01T00:00:00Z", "2027-02-01T00:00:00Z"):
        load(updated_at)
        [row] = desk.rows(
            Component.ORCHESTRATOR, "select * from marketplace.sellers where seller_id = 'leaver-1'"
        )
        assert (row["display_name"], row["wallet_address"]) == (erased["pseudonym"], "")
    alerts = "select subject from finance.alerts where kind = 'erased_seller'"
    assert desk.rows(Component.ORCHESTRATOR, alerts) == [{"subject": "leaver-1"}]

"""Two people erase a seller's name and wallets: no table has them, and all evidence verifies."""

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from orchestrator.decisions.erasure_key import seals_of
from orchestrator.settlement.check_wallets import check_new_wallets
from tests.functions.erasure.seller_to_erase import (
    APPROVE,
    BUILT,
    LATER,
    NAME,
    NAMED,
    PROPOSE,
    SAID,
    SELLER,
    TX,
    WORDS,
    closed_since,
    erase,
    found,
    key_of,
)
from tests.functions.market import CLOSE, DUE, LINES, WINDOW, Market, expected_digest
from tests.functions.payment_server import ORCHESTRATOR, OWNER, WEBHOOK
from tests.functions.rail_events import RECEIVE, answer, payout, receive


def others(market: Market) -> list[list[dict[str, object]]]:
    """What the database says of the other sellers."""
    query = "select * from finance.{} where seller_id <> 's2' order by 1, 2"
    tables = ("payout_lines", "approval_lines", "window_close_rows", "events", "wallet_sightings")
    return [market.rows(OWNER, query.format(table)) for table in tables]


def test_no_table_has_the_name_the_wallet_or_the_transaction(market: Market) -> None:
    assert len(found(market, *WORDS)) > 20  # so the search finds what there is to find
    before = others(market)
    pseudonym = erase(market, f"{NAME} wrote: {SAID}")
    assert found(market, *WORDS) == BUILT
    assert {"marketplace.sellers.display_name", "finance.erasures.note"} <= found(market, pseudonym)
    note = market.value("dora", "select note from finance.seller_holds")
    assert note.startswith(f"{pseudonym} asked: sent to erased-")
    assert others(market) == before
    valid = "select is_valid from finance.wallet_checks where wallet_address ~ 'erased-'"
    assert market.rows("dora", valid) == [{"is_valid": False}]  # nothing is paid to it
    body = market.value("dora", "select body from finance.payout_calls")
    assert all(line.wallet in body for line in LINES[:1])


def test_evidence_verifies_as_before(market: Market) -> None:
    rows = "select payout_window, seller_id, net_minor, rail from finance.window_close_rows"
    stored = market.rows("dora", f"{rows} order by 2")
    receipt = market.value("dora", "select finance.receipt(%s, 's2')", WINDOW)
    old = str(market.value("dora", "select max(digest) from finance.approvals"))
    assert old == expected_digest(*LINES)
    erase(market)
    assert market.rows("dora", f"{rows} order by 2") == stored
    after = market.value("dora", "select finance.receipt(%s, 's2')", WINDOW)
    changed = {name: said for name, said in receipt.items() if after[name] != said}
    assert changed == {"wallet_address": SELLER.wallet, "tx_hash": TX}
    # Approvals and the batch have the digest of their lines as they are, and no longer the one by
    # which a wallet could be guessed.
    digests = market.rows(
        OWNER,
        "select a.digest, finance.approval_digest(a) as computed from finance.approvals as a"
        " union all select b.digest, finance.batch_digest(b) from finance.payout_batches as b",
    )
    assert len(digests) == 3
    assert all(row["digest"] == row["computed"] != old for row in digests)
    # Who has the key can show what stood there; who has another key cannot.
    for secret, shown in (("k" * 32, 3), ("q" * 32, 0)):
        settings = replace(market.settings, erasure_key=secret)
        pseudonym, _ = seals_of(settings, "s2", SELLER.wallet)
        _, seal = seals_of(settings, "s2", old)
        sealed = "select count(*) from finance.erasure_seals where seal = %s"
        assert market.value("dora", sealed, seal) == shown
        assert bool(market.lines("line_id", f"wallet_address = '{pseudonym}'")) is (shown > 0)


def test_no_hash_is_left_of_a_text_with_the_wallet(market: Market) -> None:
    """By such a hash, whoever tries wallets would know the right one."""
    bodies = [
        row["text"]
        for row in market.rows(
            "dora",
            "select convert_to(body, 'UTF8') as text from finance.payout_calls union all"
            " select body from halfin.webhook_events union all"
            " select convert_to(response, 'UTF8') from finance.call_attempts",
        )
    ]
    assert sum(SELLER.wallet.encode() in text for text in bodies) == 3
    erase(market)
    hashes = [sha256(text).hexdigest() for text in bodies]
    assert found(market, *hashes, expected_digest(*LINES)) == set()


def test_a_seller_has_one_pseudonym_and_a_keyed_hash_is_hmac(market: Market) -> None:
    settings = replace(market.settings, erasure_key="k" * 32)
    key = bytes.fromhex(key_of(market).partition(":")[2])
    for text in ("", "name", "Ōsaka", "x" * 300):
        pseudonym, seal = seals_of(settings, "s2", text)
        query = "select finance.keyed_hash(%s, %s) as seal, finance.pseudonym(%s, %s) as pseudonym"
        assert market.rows(OWNER, query, key, text, key, text) == [
            {"seal": seal, "pseudonym": pseudonym}
        ]
    assert erase(market) == seals_of(settings, "s2", "name")[0]
    assert erase_another(market) != seals_of(settings, "s2", "name")[0]
    assert found(market, LINES[0].wallet) <= BUILT
    match = "select finance.batch_digest(b) = b.digest from finance.payout_batches as b"
    assert market.value(OWNER, match)


def erase_another(market: Market) -> str:
    """A second seller of the same batch, by another key first, which is refused."""
    market.rows(OWNER, "update marketplace.sellers set status = 'closed' where seller_id = 's1'")
    [(currency, line_id)] = market.lines("rail_currency, line_id", "seller_id = 's1'")
    shown = payout(market, id="payout-of-s1", amount="123.45", destination=LINES[0].wallet)
    shown |= {"currency": currency, "idempotency_key": "", "metadata": {"line_id": line_id}}
    body = {"event": "payout.completed", "data": shown}
    market.rows(WEBHOOK, RECEIVE, json.dumps(body).encode())
    market.at(LATER + timedelta(days=61))
    market.rows(OWNER, "update settlement_core.int_build set as_of = settle_now()")
    market.hand_over()
    market.rows("ana", PROPOSE, "s1", "they asked")
    assert market.refusal("ben", APPROVE, "s1", key_of(market, "s1", "q" * 32)).startswith(
        "SETTLE_ERASURE_KEY is another key than that of earlier erasures"
    )
    assert market.refusal("ben", APPROVE, "s1", "").startswith("the erasure key is missing")
    return str(market.value("ben", APPROVE, "s1", key_of(market, "s1")))


def test_killed_before_its_end_nothing_was_erased(market: Market) -> None:
    market.rows("ana", PROPOSE, "s2", "they asked")
    before = found(market, *WORDS)
    ben = market.connect("ben", autocommit=False)
    ben.execute(APPROVE.encode(), ("s2", key_of(market)))
    market.rows(OWNER, "select pg_terminate_backend(%s, 10000)", ben.info.backend_pid)
    ben.close()
    assert found(market, *WORDS) == before
    assert market.value("dora", "select approved_by is null from finance.erasures")
    market.rows("cem", APPROVE, "s2", key_of(market))
    assert found(market, *WORDS) == BUILT


def test_what_was_erased_does_not_come_in_again(market: Market) -> None:
    pseudonym = erase(market)
    market.rows(
        OWNER,
        "update marketplace.sellers set display_name = %s, wallet_address = %s"
        " where seller_id = 's2'",
        *(NAME, SELLER.wallet),
    )
    market.rows(OWNER, "delete from marketplace.sellers where seller_id = 's2'")
    market.rows(OWNER, NAMED, "s2", NAME, SELLER.wallet)
    query = "select display_name, wallet_address from marketplace.sellers where seller_id = 's2'"
    assert market.rows(OWNER, query) == [{"display_name": pseudonym, "wallet_address": ""}]
    told = "select message from finance.alerts where kind = 'erased_seller'"
    assert [row["message"] for row in market.rows("dora", told)] == [
        "the marketplace names seller s2 again, who was erased: name and wallet were left out;"
        " erase them where they came from"
    ]
    assert check_new_wallets(market.settings) == 0
    assert found(market, *WORDS) == BUILT


def test_a_late_word_of_the_rail_counts_and_is_not_kept(market: Market) -> None:
    shown = payout(market, tx_hash=TX, status="failed")
    erase(market)
    for _ in range(2):  # everything comes at least once
        body = {"event": "payout.failed", "data": shown}
        market.rows(WEBHOOK, RECEIVE, json.dumps(body).encode())
    # A payout that came back is asked about, as ever, and then it is the seller's balance again.
    assert "failed_after_completed" in market.kinds("breaks")
    kept = "select body, payload #>> '{data,destination}' as wallet from halfin.webhook_events"
    [event] = market.rows("dora", f"{kept} where event_type = 'payout.failed'")
    assert (event["body"], event["wallet"][:7]) == (None, "erased-")
    asked = market.value(ORCHESTRATOR, "select max(confirms) from finance.open_lookups()")
    body = {"data": {"id": "b", "payouts": [shown | {"id": asked}]}}
    look_up = "select finance.record_lookup(%s, %s)"
    market.rows(ORCHESTRATOR, look_up, json.dumps(body).encode(), asked)
    assert market.lines("state", "seller_id = 's2'") == [("returned",)]
    assert found(market, *WORDS) == BUILT


def test_what_others_need_of_the_wallet_stays(market: Market) -> None:
    """It is blocked, and another seller named it: both are about more than who was erased."""
    market.rows("ana", "select finance.block_wallet(%s, 'stolen')", SELLER.wallet)
    market.rows(OWNER, NAMED, "s3", "S3", SELLER.wallet)
    erase(market)
    assert found(market, *WORDS) - BUILT == {
        *("finance.wallet_blocks.account", "finance.wallet_blocks.wallet_address"),
        *("finance.wallet_checks.account", "finance.wallet_checks.wallet_address"),
        *("finance.wallet_sightings.account", "finance.wallet_sightings.wallet_address"),
        "marketplace.sellers.wallet_address",
    }
    sighted = "select seller_id from finance.wallet_sightings where account = %s"
    assert market.rows("dora", sighted, SELLER.wallet) == [{"seller_id": "s3"}]


def test_what_was_sent_to_another_seller_of_the_same_wallet_stays() -> None:
    """Where one company has two accounts, say, in one call."""
    with Market.open() as market:
        market.at(CLOSE)
        market.build(*LINES)
        for table, same in (
            ("marketplace.sellers", "wallet_address"),
            ("settlement_core.int_settlement__computed", "wallet_address, rail, rail_currency"),
        ):
            market.rows(
                OWNER,
                f"update {table} set ({same}) = (select {same} from {table} where seller_id = 's2')"
                " where seller_id = 's10'",
            )
        check_new_wallets(market.settings)
        market.store()
        market.ledgers_read()
        market.approve("ana")
        market.at(DUE)
        market.freeze()
        answer(market, payout(market, tx_hash=TX))
        receive(market, "payout.completed", tx_hash=TX)
        closed_since(market)
        read = (
            "select p ->> 'destination' as wallet from finance.payout_calls as c"
            " cross join lateral json_array_elements(c.body::json -> 'payouts') as p"
            " where p #>> '{metadata,seller_id}' = %s"
        )
        erase(market)
        assert market.value("dora", read, "s10") == SELLER.wallet
        assert market.value("dora", read, "s2").startswith("erased-")
        assert market.lines("wallet_address", "seller_id = 's10'") == [(SELLER.wallet,)]

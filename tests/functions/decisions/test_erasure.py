"""Two people erase a seller's name and wallets: no table has them, and all evidence verifies."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import psycopg
import pytest

from orchestrator.decisions.erasure_key import seals_of, seller_key
from orchestrator.settlement.check_wallets import check_new_wallets
from tests.functions.market import CLOSE, DUE, LINES, WINDOW, Market, expected_digest
from tests.functions.payment_server import ORCHESTRATOR, OWNER, WEBHOOK
from tests.functions.rail_events import RECEIVE, answer, concluded, payout, receive

PROPOSE = "select finance.propose_erasure(%s, %s)"
APPROVE = "select pseudonym from finance.approve_erasure(%s, %s)"
WITHDRAW = "select finance.withdraw_erasure(%s)"
NAMED = (
    "insert into marketplace.sellers values"
    " (%s, %s, 'EU', false, %s, 'active', true, settle_now(), settle_now())"
)
NAME, TX = "Kaito Ceramics (Osaka)", "c0ffee" * 11
SELLER = LINES[2]  # the last of them, of which `payout` speaks
# As the line's failure reason, a note and an alert would have it.
SAID = f"sent to {SELLER.wallet} by {TX}"
LATER = DUE + timedelta(days=61)


def key_of(market: Market, seller: str = SELLER.seller, secret: str = "k" * 32) -> str:
    return seller_key(replace(market.settings, erasure_key=secret), seller)


def paid(market: Market) -> None:
    """A week paid to three sellers, with words of people and of the rail; then s2 closes."""
    market.close()
    market.rows(
        OWNER, "update marketplace.sellers set display_name = %s where seller_id = 's2'", NAME
    )
    market.rows("ana", "select finance.hold_seller('s2', %s)", f"{NAME.upper()} asked: {SAID}")
    market.rows("ben", "select finance.release_hold(%s, 's2', %s)", WINDOW, SAID)
    market.rows("ana", "select finance.block_wallet(%s, 'old')", SELLER.wallet)
    market.rows("ben", "select finance.unblock_wallet(%s, %s)", SELLER.wallet, SAID)
    market.approve("ana", "ben")
    market.at(DUE)
    market.freeze()
    answer(market, payout(market, tx_hash=TX))
    receive(market, "payout.completed", tx_hash=TX, network_fee="1.25")
    market.rows(ORCHESTRATOR, "select finance.raise_alert('test', 's2', %s)", SAID)
    market.rows("ana", "select finance.pause_payouts(%s)", SAID)
    market.rows("ben", "select finance.resume_payouts('x')")
    market.rows("cem", "select finance.resume_payouts('x')")


def closed_since(market: Market) -> None:
    market.rows(OWNER, "update marketplace.sellers set status = 'closed' where seller_id = 's2'")
    market.at(LATER)
    market.rows(OWNER, "update settlement_core.int_build set as_of = %s", LATER)
    market.hand_over()


def erase(market: Market, note: str = "they asked") -> str:
    market.rows("ana", PROPOSE, SELLER.seller, note)
    return str(market.value("ben", APPROVE, SELLER.seller, key_of(market)))


@pytest.fixture
def market() -> Iterator[Market]:
    with Market.open() as market:
        paid(market)
        closed_since(market)
        yield market


def found(market: Market, *words: str) -> set[str]:
    """Every column of every table in which one of the words stands, in whatever case."""
    columns = market.rows(
        OWNER,
        "select c.oid::regclass::text as relation, quote_ident(a.attname) as name,"
        " a.atttypid = 'bytea'::regtype as is_bytes"
        " from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid"
        " where c.relkind in ('r', 'p', 'm') and a.attnum > 0 and not a.attisdropped"
        " and c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'",
    )
    assert len(columns) > 300
    places = set()
    for column in columns:
        text = "encode({name}, 'escape')" if column["is_bytes"] else "{name}::text"
        query = f"select exists (select from {{relation}} where {text} ~* %s)".format(**column)
        if market.value(OWNER, query, "|".join(words)):
            places.add(f"{column['relation']}.{column['name']}")
    return places


# What a build makes again.
BUILT = {"settlement_core.int_settlement__computed.wallet_address"}
WORDS = (SELLER.wallet, TX, "Kaito")


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
    assert market.refusal("ben", APPROVE, "s1", "").startswith("the erasure key is none")
    return str(market.value("ben", APPROVE, "s1", key_of(market, "s1")))


OBSTACLES = {
    "their status is suspended": (
        "update marketplace.sellers set status = 'suspended' where seller_id = 's2'"
    ),
    "their payout in 2026-W47 was paid on 2026-11-24 and can come back until 2027-01-23": (
        "update finance.clock set now_at = now_at - interval '3 days'"
    ),
    "settle_admin holds them": (
        "insert into finance.seller_holds (seller_id, note) values ('s2', 'x')"
    ),
    "break 2 about their payout in 2026-W47 is open": (
        "insert into finance.breaks (kind, subject, detail)"
        " select 'mismatch', line_id, 'x' from finance.payout_lines where seller_id = 's2'"
    ),
    "adjustment 1 waits": (
        "insert into finance.adjustments (seller_id, amount_minor, reason) values ('s2', 1, 'x')"
    ),
    "assignment 1 waits": (
        "insert into finance.reserve_assignments (seller_id, policy, note) values ('s2', 'x', 'x')"
    ),
    "go-live 1 with their opening balance waits": (
        "with g as (insert into finance.go_lives (payout_window, starts_at, note)"
        " values ('x', now(), 'x') returning go_live_id)"
        " insert into finance.opening_balances select go_live_id, 's2', 5 from g"
    ),
    "the last build is older than a day": (
        "update handover.build set as_of = as_of - interval '2 days'"
    ),
    "1.50 of theirs is in reserve": (
        "insert into handover.open_balances values ('s2', 1.50, 0, 0)"
    ),
    "their balance is -2.00": "insert into handover.open_balances values ('s2', 0, -2.00, 0)",
    "3.00 of theirs is disputed": "insert into handover.open_balances values ('s2', 0, 0, 3.00)",
}


@pytest.mark.parametrize("why", OBSTACLES)
def test_what_is_not_over_keeps_a_seller(market: Market, why: str) -> None:
    """As it is proposed, and as it is approved."""
    market.rows("ana", PROPOSE, "s2", "they asked")
    market.rows(OWNER, OBSTACLES[why])
    said = market.refusal("ben", APPROVE, "s2", key_of(market))
    assert said.startswith(f"seller s2 cannot be erased yet: {why}")
    market.rows("ana", WITHDRAW, "s2")
    assert market.refusal("ana", PROPOSE, "s2", "they asked") == said


def test_a_balance_or_a_payout_under_way_keeps_a_seller() -> None:
    status = "update marketplace.sellers set status = %s where seller_id = 's2'"
    refused = "seller s2 cannot be erased yet: "
    with Market.open() as market:
        market.approved()
        market.rows(OWNER, "update handover.build set as_of = settle_now()")
        market.rows(OWNER, status, "closed")
        assert market.refusal("ana", PROPOSE, "s2", "they asked") == (
            refused + "0.07 of 2026-W47 is unpaid: pay it, or write it off"
        )
        market.rows(OWNER, status, "active")
        market.freeze()
        market.rows(OWNER, status, "closed")
        assert market.refusal("ana", PROPOSE, "s2", "they asked") == (
            refused + "their payout in 2026-W47 is under way: wait for its outcome"
        )


def test_it_takes_two_people_and_is_done_once(market: Market) -> None:
    assert market.refusal("ana", PROPOSE, "nobody", "x") == (
        "seller nobody is not known: nothing was proposed"
    )
    none = "nobody has proposed to erase seller s2: see settle erase list"
    assert market.refusal("ben", APPROVE, "s2", key_of(market)) == none
    market.rows("ana", PROPOSE, "s2", "they asked")
    assert market.refusal("ana", APPROVE, "s2", key_of(market)) == (
        "ana proposed to erase s2: somebody else must approve it"
    )
    assert market.refusal("cem", PROPOSE, "s2", "x") == (
        "the erasure of seller s2, which ana proposed, waits: approve or withdraw it"
    )
    market.rows("cem", WITHDRAW, "s2")
    assert market.refusal("ben", APPROVE, "s2", key_of(market)) == none
    assert market.refusal("ben", WITHDRAW, "s2") == none
    erase(market)
    again = "seller s2 was erased on 2027-01-24, as ana and ben agreed"
    assert market.refusal("cem", PROPOSE, "s2", "again") == again
    assert market.refusal("cem", APPROVE, "s2", key_of(market)) == none


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


@pytest.mark.parametrize("state", ["ready", "unknown"])
def test_a_call_that_may_be_sent_again_keeps_its_bytes(state: str) -> None:
    """The rail told of the seller's payout; of the other lines nobody knows."""
    with Market.open() as market:
        market.approved()
        market.freeze()
        if state == "unknown":
            assert concluded(market, 500, "")["batch_state"] == "unknown"
        receive(market, "payout.completed", tx_hash=TX)
        closed_since(market)
        assert market.lines("state", "seller_id = 's2'") == [("completed",)]
        assert market.refusal("ana", PROPOSE, "s2", "they asked") == (
            "seller s2 cannot be erased yet: a call of the batch with their payout in 2026-W47"
            " has no certain response: run settle pay 2026-W47 first"
        )


# What is under way may change, with the words about it.
CHANGING = {"tx_hash", "failure_reason", "state_note", "close_note", "lift_note"}
OTHER = {"json": "'{}'", "mark": "null"}


def test_the_guards_let_no_other_update_through(market: Market) -> None:
    """The owner of the database, outside an erasure."""
    market.rows("ana", PROPOSE, "s2", "they asked")
    columns = market.rows(
        OWNER,
        "select c.relation::text as relation, c.column_name as name, c.content,"
        " a.atttypid = 'bytea'::regtype as is_bytes"
        " from finance.erasable_columns as c inner join pg_attribute as a"
        " on a.attrelid = c.relation and a.attname = c.column_name and a.attgenerated = ''"
        " where c.relation <> 'finance.erasures'::regclass",
    )
    tried = 0
    for column in columns:
        relation, name = column["relation"], column["name"]
        is_there = market.value(OWNER, f"select exists (select from {relation})")
        if is_there and name not in CHANGING:
            other = r"'\x00'" if column["is_bytes"] else OTHER.get(column["content"], "'another'")
            said = market.refusal(OWNER, f"update {relation} set {name} = {other}")
            assert "append-only: update refused" in said or "is immutable but for" in said, said
            tried += 1
        for change in (f"delete from {relation}", f"truncate {relation} cascade"):
            assert not is_there or "append-only" in market.refusal(OWNER, change)
    assert tried > 20
    market.rows("ben", APPROVE, "s2", key_of(market))
    again = "update finance.erasures set erased_in = (pg_current_xact_id()::text)::bigint"
    assert "append-only: update refused" in market.refusal(OWNER, again)


def test_nor_does_an_erasure_change_anything_else(market: Market) -> None:
    """In its own transaction: another column, another seller, another word than a pseudonym."""
    market.rows("ana", PROPOSE, "s2", "they asked")
    word = "'erased-' || repeat('0', 32)"
    with market.connect(OWNER, autocommit=False) as owner:
        owner.execute(
            "update finance.erasures set approved_by = 'ben', approved_at = now(),"
            f" key_id = '00000000', pseudonym = {word},"
            " erased_in = (pg_current_xact_id()::text)::bigint".encode()
        )
        for change in (
            f"finance.payout_lines set wallet_address = {word} where seller_id = 's1'",
            "finance.payout_lines set wallet_address = 'mine' where seller_id = 's2'",
            "finance.payout_lines set amount_minor = 1 where seller_id = 's2'",
            f"finance.payout_lines set wallet_address = {word}, amount_minor = 1"
            " where seller_id = 's2'",
            "finance.window_close_rows set net_minor = 1 where seller_id = 's2'",
            f"finance.window_close_rows set region = {word} where seller_id = 's2'",
            f"finance.approvals set approved_by = {word}",
            "finance.approvals set digest = 'mine'",
            "finance.window_closes set net_minor = 1",
            f"finance.line_events set source = {word}",
        ):
            refused = pytest.raises(psycopg.errors.RaiseException, match=r"append-only|immutable")
            with refused, owner.transaction():
                owner.execute(f"update {change}".encode())
        change = f"update finance.payout_lines set wallet_address = {word} where seller_id = 's2'"
        assert owner.execute(change.encode()).rowcount == 1
        owner.rollback()


LOGINS = ["ana", "ben", "dora", "dbt", ORCHESTRATOR, WEBHOOK, "portal"]


@pytest.mark.parametrize("who", LOGINS)
def test_no_login_reaches_the_opening(market: Market, who: str) -> None:
    """People who decide have the three functions, and none of what is behind them."""
    market.rows("ana", PROPOSE, "s2", "they asked")
    market.rows(who, "set default_transaction_read_only = off")
    decisions = (
        "select finance.propose_erasure('s1', 'x')",
        f"select finance.approve_erasure('s2', '{key_of(market)}')",
        "select finance.withdraw_erasure('s2')",
    )
    for query in (
        *(() if who in ("ana", "ben") else decisions),
        "select finance.erase_seller(null, '')",
        "select finance.erase_wallets('s1', '', '{}')",
        "select finance.erase_texts('s1', '', '{}', 'x', '{}')",
        "select finance.erase_rail_texts('s1', '', '{}')",
        "update finance.erasures set erased_in = (pg_current_xact_id()::text)::bigint",
        "insert into finance.erasures (seller_id, note, approved_by) values ('s1', 'x', 'ben')",
        "insert into finance.erasable_columns values ('finance.payout_lines', 'x', 'text')",
        "update finance.erasable_columns set content = 'mark'",
        "update finance.payout_lines set wallet_address = 'x'",
        "update finance.wallet_sightings set wallet_address = 'x'",
        "update finance.window_close_rows set wallet_address = 'x'",
        "update halfin.webhook_events set body = null",
        "alter table finance.payout_lines disable trigger all",
        "set session_replication_role = replica",
    ):
        said = market.refusal(who, query)
        assert said.startswith(("permission denied", "must be owner of")), (query, said)

"""A seller who was paid, is named in notes and in what the rail wrote, and has closed since."""

from dataclasses import replace
from datetime import timedelta

from orchestrator.decisions.erasure_key import seller_key
from tests.functions.market import DUE, LINES, WINDOW, Market
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.rail_events import answer, payout, receive

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
WORDS = (SELLER.wallet, TX, "Kaito")
# What a build makes again.
BUILT = {"settlement_core.int_settlement__computed.wallet_address"}
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

"""A closed window with as many lines as asked for, written in a few statements."""

from tests.functions.dbt_stand_ins import RAIL
from tests.functions.market import CLOSE, CURRENCIES, DUE, MONDAY, WEEK, WINDOW, Line, Market
from tests.functions.payment_server import OWNER

COMPUTED = """
insert into settlement_core.int_settlement__computed
select
    %(window)s, s.seller, %(starts)s, %(ends)s, s.net, 0, 0, 0, 0, 0, 0, 0, s.net, 1, 0,
    'SPL', %(currency)s, s.wallet, 'EU', 'active', '{}', null
from unnest(%(sellers)s::text[], %(nets)s::bigint[], %(wallets)s::text[]) as s (seller, net, wallet)
"""
ENTRIES = """
insert into settlement_core.int_entries
select
    'order', seller_id, seller_id, seller_id, net_minor, %(starts)s, %(starts)s, %(starts)s,
    %(starts)s
from settlement_core.int_settlement__computed
"""
ACCOUNTS = """
insert into marketplace.sellers
select seller_id, seller_id, 'EU', true, wallet_address, 'active', true, now(), now()
from settlement_core.int_settlement__computed
"""
WALLETS = """
insert into finance.wallet_checks (wallet_address, address_format, is_valid, detail)
select wallet_address, rail, true, '' from settlement_core.int_settlement__computed
"""


def approved(market: Market, count: int) -> list[Line]:
    """Close, approve and let fall due a window of `count` lines of their own cents."""
    lines = [Line(f"s{n:06d}", 100 + n, "SPL") for n in range(count)]
    market.at(CLOSE)
    market.build()
    fields = {
        "window": WINDOW,
        "starts": MONDAY,
        "ends": MONDAY + WEEK,
        "currency": CURRENCIES["SPL"],
        "sellers": [line.seller for line in lines],
        "nets": [line.net_minor for line in lines],
        "wallets": [line.wallet for line in lines],
    }
    market.rows(OWNER, COMPUTED, **fields)
    market.rows(OWNER, RAIL, rail="SPL", currency=CURRENCIES["SPL"])
    for query in (ENTRIES, ACCOUNTS, WALLETS):
        market.rows(OWNER, query, **({"starts": MONDAY} if query is ENTRIES else {}))
    assert market.store()
    # More than one person may decide about alone.
    market.approve("ana", "ben")
    market.at(DUE)
    return lines

"""What a read of the rail's ledger leaves behind, for tests that freeze without a rail."""

# As owner: the ledger of each currency was read since the latest close, and had nothing to tell.
LEDGERS_READ = """
insert into halfin.ledger_reads (currency, read_at, read_close, compared_close)
select k.currency, public.settle_now(), k.latest, k.latest
from (
    select unnest(array['USDT_TRC20', 'USDT_ERC20', 'USDT_SPL']) as currency,
        finance.latest_closed_window() as latest
) as k
on conflict (currency) do update
set read_close = excluded.read_close, compared_close = excluded.compared_close
"""

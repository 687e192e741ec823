-- Before the freeze: the rail's ledger, which remembers what a restored database has forgotten.

-- Keys keep a window from being paid twice, and no key keeps the next one from paying the same money. So
-- each window's first freeze takes a ledger that was read since its close: whatever was paid before a
-- restore for an earlier window is in it. What is paid later is this window's own.
create or replace function finance.ledgers_to_pay(p_window text) returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select f.rail_currency
    from finance.window_position(p_window) as p
    cross join lateral unnest(p.funding) as f
    where cardinality(p.obstacles) = 0
    order by f.rail_currency
$$;
comment on function finance.ledgers_to_pay(text) is
'The currencies whose ledger has to be read before the window''s current run is frozen; no row where the run has a batch, or something else stands in its way.';

create or replace function finance.require_read_ledgers(p_position finance.window_position)
returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_currency text;
begin
    select min(f.rail_currency) into v_currency
    from unnest(p_position.funding) as f
    where not exists (
        select from halfin.ledger_reads as r
        where r.currency = f.rail_currency and r.compared_close = p_position.payout_window
    );
    if v_currency is not null then
        raise exception 'the ledger of % was not read since % was closed, and a payout that is forgotten here may be in it: nothing was frozen, run settle reconcile',
            v_currency, p_position.payout_window;
    end if;
end;
$$;
comment on function finance.require_read_ledgers(finance.window_position) is
'Raises where a currency of the payout has a ledger that was not read, and compared with our lines, since the window was closed.';

-- What the pages of sellers may ask: about one seller, named once in the transaction, and nobody else.
-- The login of those pages can call these functions and read no table at all.

create or replace function portal.seller() returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select nullif(current_setting('portal.seller', true), '')
$$;
comment on function portal.seller() is
'The seller this transaction is about, whose signed link was checked: see portal.enter. Null outside, and then nothing is shown.';

create or replace function portal.payouts() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(jsonb_agg(jsonb_build_object(
        'payout_window', l.payout_window, 'amount', l.amount, 'rail', l.rail,
        'wallet_address', l.wallet_address, 'state', l.state, 'is_back', l.is_back,
        'sent_at', l.frozen_at, 'outcome_at', l.outcome_at, 'tx_hash', l.tx_hash,
        'failure_code', l.failure_code, 'failure_reason', l.failure_reason
    ) order by l.frozen_at desc, l.line_id), '[]')
    from (
        select
            p.line_id, p.payout_window, p.rail, p.wallet_address, b.frozen_at, p.outcome_at,
            p.tx_hash, p.failure_code, p.failure_reason,
            finance.money(p.amount_minor) as amount,
            p.returned_at is not null and p.retaken_at is null as is_back,
            case when p.state = 'frozen' then 'submitted' else p.state end as state
        from finance.payout_lines as p
        inner join finance.payout_batches as b on p.batch_id = b.batch_id
        where p.seller_id = portal.seller() and p.state <> 'rejected'
        order by b.frozen_at desc, p.line_id
        limit 52
    ) as l
$$;
comment on function portal.payouts() is 'The seller''s last 52 payouts, the newest first.';

create or replace function portal.opening_balance() returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select finance.money(o.amount_minor)
    from finance.go_live() as g
    inner join finance.opening_balances as o on g.go_live_id = o.go_live_id
    where o.seller_id = portal.seller()
$$;
comment on function portal.opening_balance() is
'What the system that paid before still owed the seller at the go-live, or was owed (negative); null for most.';

-- With the caller's rights: each part decides for itself what it may read.
create or replace function portal.statement(p_zone text) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
    select dbt_reads.balances(p_zone) || jsonb_build_object(
        'zone', p_zone, 'disputes', dbt_reads.disputes(), 'payouts', portal.payouts(),
        'opening_balance', portal.opening_balance(), 'reserve_policy', dbt_reads.reserve_policy()
    )
$$;
comment on function portal.statement(text) is
'The seller''s balances, what becomes available on which day of the zone, weeks not paid yet, the opening balance, under which reserve policy an order of now is, disputes and the last 52 payouts, as one document; null without a seller. Money is text with two decimals.';

create or replace function portal.reserve_orders(p_offset integer, p_limit integer) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
    select dbt_reads.reserve_orders(p_offset, least(p_limit, 1000))
$$;
comment on function portal.reserve_orders(integer, integer) is
'The seller''s orders in reserve, those first whose dispute window closes first; at most 1,000.';

create or replace function portal.year_of_a_seller(p_year integer) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
    select dbt_reads.year_of_a_seller(p_year)
$$;
comment on function portal.year_of_a_seller(integer) is
'The seller''s calendar year in the settlement zone, by month and quarter, as settlement.seller_periods has it; its total is null where there was nothing. Money is text with two decimals.';

create or replace function portal.receipt(p_window text) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select r.receipt::jsonb
    from finance.receipt(p_window, portal.seller()) as r (receipt)
    where r.receipt ->> 'state' <> 'rejected'
$$;
comment on function portal.receipt(text) is
'The receipt of the seller''s payout in a window; null where there was none.';

create or replace function portal.settlement_timezone() returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select b.settlement_timezone from handover.build as b
$$;
comment on function portal.settlement_timezone() is 'The zone whose weeks are the payout windows.';

-- Before the first call of a batch: what the rail would refuse.

create or replace function finance.has_no_attempt(p_window text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(
        (
            select not exists (select from finance.call_attempts as a where a.batch_id = b.batch_id)
            from finance.payout_batches as b
            where b.payout_window = p_window and b.run = finance.current_run(p_window)
            and b.state <> 'rejected'
        ),
        not exists (select from finance.payout_obstacles(p_window))
    )
$$;
comment on function finance.has_no_attempt(text) is
'Whether the next call would be the first of the window''s current run, and nothing of ours stands in its way.';

create or replace function finance.preflight(p_window text, p_currencies bytea)
returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select format('the rail does not know currency %s', f.rail_currency)
    from finance.funding(p_window) as f
    where f.rail_currency not in (
        select r.currency ->> 'code'
        from finance.rows_of(p_currencies) as r (currency)
        where r.currency ->> 'code' is not null
    )
    union all
    select format('%s needs %s and about %s in fees, and the rail has %s: fund it', f.rail_currency,
        f.needed, f.expected_fees, coalesce(f.available::text, 'no balance'))
    from finance.funding(p_window) as f
    where f.missing > 0
$$;
comment on function finance.preflight(text, bytea) is
'What the rail would refuse of a window''s payout, given its answer to GET currencies and the balances last stored; no row when it would take it.';

create or replace function finance.payouts_to_know(p_window text)
returns table (path text, rail_id text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    -- One of a batch: what the rail once said wrong of one must not stop a payout for good.
    select '/v1/payouts', k.payout_id
    from (
        select distinct on (l.batch_id) l.batch_id, l.payout_id
        from finance.payout_lines as l
        where l.payout_id is not null and l.state <> 'rejected' and exists (
            select from finance.payout_calls as c
            where c.batch_id = (finance.latest_batch(p_window)).batch_id
            and c.state in ('sending', 'unknown') and finance.was_sent(c.batch_id, c.sequence)
            and not finance.has_resolved_line(c.batch_id, c.sequence)
        )
        order by l.batch_id, l.seller_id
    ) as k
    order by k.batch_id desc limit 3
$$;
comment on function finance.payouts_to_know(text) is
'Payouts that the rail has named, of the last three batches, where a call of the window may have been read, has no certain response and is sent again: a rail that knows none of them is another address or account, where the key of the call protects nobody. To ask: GET path/rail_id; no row where there is nothing to fear, or nothing known.';

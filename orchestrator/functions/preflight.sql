-- Before the first call of a batch: what the rail would refuse.

create or replace function finance.is_unsent(p_window text) returns boolean
language sql stable security definer set search_path = '' as $$
    select coalesce(
        (
            select not exists (select from finance.call_attempts as a where a.batch_id = b.batch_id)
            from finance.payout_batches as b
            where b.payout_window = p_window and b.state <> 'rejected'
        ),
        not exists (select from finance.payout_obstacles(p_window))
    )
$$;
comment on function finance.is_unsent(text) is
'Whether the next call would be the first of the window''s payout, and nothing of ours stands in its way.';

create or replace function finance.preflight(p_window text, p_currencies bytea, p_balances bytea)
returns setof text
language sql stable security definer set search_path = '' as $$
    -- The frozen lines, or before the freeze those that would be.
    with batch as (
        select b.batch_id from finance.payout_batches as b
        where b.payout_window = p_window and b.state <> 'rejected'
    ),
    lines as (
        select l.rail_currency, l.amount_minor from finance.payout_lines as l
        inner join batch as b on l.batch_id = b.batch_id
        union all
        select h.rail_currency, h.net_minor from finance.current_holds(p_window) as h
        where cardinality(h.hold_reasons) = 0 and not exists (select from batch)
    ),
    -- What the rail charged lately, where that is more than what is expected of it.
    observed as (
        select l.rail_currency, avg(l.network_fee + l.fee_amount) as fee
        from finance.payout_lines as l
        where l.state = 'completed' and l.outcome_at > public.settle_now() - interval '28 days'
        group by l.rail_currency
    ),
    needed as (
        select
            l.rail_currency,
            sum(l.amount_minor) / 100 as amount,
            greatest(
                count(*) * coalesce(max(f.network_fee), 0)
                + sum(l.amount_minor) / 100 * coalesce(max(f.fee_rate), 0),
                count(*) * coalesce(max(o.fee), 0)
            ) as fees
        from lines as l
        left join reading.expected_fees() as f on l.rail_currency = f.currency_code
        left join observed as o on l.rail_currency = o.rail_currency
        group by l.rail_currency
    ),
    available as (
        select r.balance ->> 'currency' as currency, finance.try_numeric(r.balance ->> 'available') as amount
        from finance.rows_of(p_balances) as r (balance)
        where r.balance ->> 'environment' = finance.rail_environment()
    )
    select format('the rail does not know currency %s', n.rail_currency)
    from needed as n
    where n.rail_currency not in (
        select r.currency ->> 'code'
        from finance.rows_of(p_currencies) as r (currency)
        where r.currency ->> 'code' is not null
    )
    union all
    select format('%s needs %s and about %s in fees, and the rail has %s: fund it', n.rail_currency,
        round(n.amount, 2), round(n.fees, 2), coalesce(round(sum(a.amount), 2)::text, 'no balance'))
    from needed as n
    left join available as a on n.rail_currency = a.currency
    group by n.rail_currency, n.amount, n.fees
    having coalesce(sum(a.amount), 0) < n.amount + n.fees
$$;
comment on function finance.preflight(text, bytea, bytea) is
'What the rail would refuse of a window''s payout, given its answers to GET currencies and balances; no row when it would take it.';

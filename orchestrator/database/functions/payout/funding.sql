-- What a window's payout needs on the rail, and what the rail says it has.

create or replace function finance.store_balances(p_body bytea) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_read bigint;
begin
    perform finance.require_plain_call();
    insert into halfin.balance_reads (body) values (p_body) returning balance_read_id into v_read;
    return v_read;
end;
$$;
comment on function finance.store_balances(bytea) is 'Keeps what the rail answered to GET balances, as it is.';

create or replace function finance.funding_needs(p_batch_id bigint, p_lines finance.seller_position[])
returns setof finance.funding_need
language sql stable set search_path = pg_catalog, pg_temp as $$
    -- The frozen lines, or before the freeze those that would be.
    with lines as (
        select l.rail, l.rail_currency, l.amount_minor from finance.payout_lines as l
        where l.batch_id = p_batch_id
        union all
        select h.rail, h.rail_currency, h.net_minor from unnest(p_lines) as h
        where p_batch_id is null
    ),
    -- What the rail charged lately, where that is more than what is expected of it.
    observed as (
        select l.rail_currency, avg(l.network_fee + l.fee_amount) as fee
        from finance.payout_lines as l
        where l.state = 'completed' and l.outcome_at > (select public.settle_now()) - interval '28 days'
        group by l.rail_currency
    ),
    needs as (
        select
            min(l.rail) as rail,
            l.rail_currency,
            count(*) as line_count,
            finance.decimal_amount(sum(l.amount_minor)) as amount,
            greatest(
                count(*) * coalesce(max(f.network_fee), 0)
                + finance.decimal_amount(sum(l.amount_minor)) * coalesce(max(f.fee_rate), 0),
                count(*) * coalesce(max(o.fee), 0)
            ) as fees
        from lines as l
        left join handover.expected_fees as f on l.rail_currency = f.currency_code
        left join observed as o on l.rail_currency = o.rail_currency
        group by l.rail_currency
    ),
    latest as (
        select r.body, r.read_at from halfin.balance_reads as r order by r.balance_read_id desc limit 1
    ),
    balances as (
        select b.balance ->> 'currency' as currency, sum(finance.try_numeric(b.balance ->> 'available')) as available
        from latest as r
        cross join lateral finance.rows_of(r.body) as b (balance)
        where b.balance ->> 'environment' = finance.rail_environment()
        group by b.balance ->> 'currency'
    )
    select n.rail, n.rail_currency, n.line_count, round(n.amount, 2), round(n.fees, 2), round(b.available, 2),
        -- Up to the next cent: what is missing is never shown as nothing.
        round(ceil(greatest(n.amount + n.fees - coalesce(b.available, 0), 0) * 100) / 100, 2), r.read_at
    from needs as n
    left join balances as b on n.rail_currency = b.currency
    left join latest as r on true
    order by n.rail, n.rail_currency
$$;

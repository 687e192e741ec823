-- What a seller may see of what dbt builds, one seller at a time. Code in a view of dbt's runs here
-- with the rights of settle_reader, which are dbt's own; it may also change these functions, which
-- belong to that role. So only the portal's login may call them, and no function of the owner's does.

set role settle_reader;

create or replace function dbt_reads.balances(p_zone text) returns jsonb
-- plpgsql keeps the plan for the next request: planning these views takes longer than running them.
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_seller text := portal.seller();
begin
    return (
        with orders as (
            select o.held_amount, o.held_back, o.dispute_window_closes_at, o.held_back_until
            from settlement.order_reserve as o
            where o.seller_id = v_seller
        ),
        -- An order leaves the reserve in two parts where some of it is held back for longer.
        parts as (
            select o.dispute_window_closes_at as released_at, o.held_amount - o.held_back as amount
            from orders as o
            where o.dispute_window_closes_at > (select b.as_of from settlement_core.int_build as b)
            union all
            select o.held_back_until, o.held_back
            from orders as o
            where o.held_back_until is not null
        ),
        releases as (
            select
                (p.released_at at time zone p_zone)::date as day,
                sum(p.amount) as amount,
                count(*) as orders
            from parts as p
            group by 1
        ),
        balances as (
            select r.* from settlement.seller_reserve as r where r.seller_id = v_seller
        ),
        -- Once, not for each window.
        latest as materialized (
            select finance.latest_closed_window() as payout_window
        ),
        weeks as (
            -- The row of the window that closed last, as long as it is in no batch.
            select
                w.payout_window, w.window_ends_at, w.payout_due_at, h.hold_reasons[1] as hold_reason,
                true as is_closed,
                finance.decimal_amount(h.net_minor) as net
            from latest as c
            cross join lateral finance.current_holds(c.payout_window, v_seller) as h
            inner join settlement.windows as w on c.payout_window = w.payout_window
            where not exists (
                select from finance.payout_lines as l
                where l.payout_window = c.payout_window and l.seller_id = v_seller and l.state <> 'rejected'
            )
            union all
            -- The open one: what is paid or came back since the last build counts at once.
            select
                w.payout_window, w.window_ends_at, w.payout_due_at, null, false,
                coalesce((select r.available_balance from balances as r), 0) + coalesce((
                    select sum(p.amount) from parts as p where p.released_at < w.window_ends_at
                ), 0)
            from settlement.windows as w
            where w.window_starts_at <= (select public.settle_now())
            and w.window_ends_at > (select public.settle_now())
        )
        select jsonb_build_object(
            'seller_id', a.seller_id,
            'display_name', a.display_name,
            'currency', b.currency,
            'as_of', b.as_of,
            'rail', a.rail,
            'wallet_address', a.wallet_address,
            'pending_balance', coalesce(r.pending_balance, 0.00)::text,
            'available_balance', coalesce(r.available_balance, 0.00)::text,
            'in_transit', coalesce(r.in_transit, 0.00)::text,
            'paid_out', coalesce(r.paid_out, 0.00)::text,
            'disputed_amount', coalesce(r.disputed_amount, 0.00)::text,
            'next_release_at', r.next_release_at,
            'next_release_amount', r.next_release_amount::text,
            'weeks', coalesce((
                select jsonb_agg(jsonb_build_object(
                    'payout_window', w.payout_window, 'status', finance.payout_status(
                        w.is_closed, null, w.hold_reason is not null, false
                    ),
                    'amount', w.net::text,
                    'hold_reason', w.hold_reason, 'hold_message', k.seller_message,
                    'closes_at', w.window_ends_at, 'payout_due_at', w.payout_due_at
                ) order by w.payout_due_at)
                from weeks as w
                left join finance.hold_reasons as k on w.hold_reason = k.reason
            ), '[]'),
            'releases', coalesce((
                select jsonb_agg(jsonb_build_object(
                    'day', l.day, 'amount', l.amount::text, 'orders', l.orders
                ) order by l.day) from releases as l
            ), '[]'),
            'reserve_order_count', (select count(*) from orders as o),
            'held_back', coalesce((select sum(o.held_back) from orders as o), 0.00)::text
        )
        from settlement.seller_accounts as a
        left join balances as r on a.seller_id = r.seller_id
        cross join settlement_core.int_build as b
        where a.seller_id = v_seller
    );
end;
$$;
comment on function dbt_reads.balances(text) is
'The seller''s balances, what becomes available on which day of the zone, and the weeks not paid yet, as the latest build has them; null for a seller without an account. Money is text with two decimals.';

create or replace function dbt_reads.reserve_orders(p_offset integer, p_limit integer)
returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(
        jsonb_agg(jsonb_build_object(
            'order_id', o.order_id, 'gross', o.gross::text, 'held_amount', o.held_amount::text,
            'ordered_at', o.ordered_at, 'dispute_window_closes_at', o.dispute_window_closes_at,
            'held_back', o.held_back::text, 'held_back_until', o.held_back_until,
            'order_currency', o.order_currency,
            'order_amount', round(o.order_amount, c.decimals)::text,
            'reserve_policy', o.reserve_policy
        ) order by o.dispute_window_closes_at, o.order_id collate "C"),
        '[]'
    )
    from (
        select r.* from settlement.order_reserve as r
        where r.seller_id = (select portal.seller())
        order by r.dispute_window_closes_at, r.order_id collate "C"
        offset p_offset
        limit p_limit
    ) as o
    inner join settlement_seeds.currencies as c on o.order_currency = c.currency
$$;
comment on function dbt_reads.reserve_orders(integer, integer) is
'The seller''s orders in reserve, those first whose dispute window closes first.';

-- Of an order that is placed now.
create or replace function dbt_reads.reserve_policy() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    -- By itself: on a cluster the clock is read here, and the worker is handed an instant.
    with decided as materialized (
        select i.reserve_policy, i.decided_by, i.valid_from, i.valid_to
        from settlement_core.int_seller_policies as i
        where
            i.seller_id = (select portal.seller())
            and i.valid_from <= (select public.settle_now())
            and i.valid_to > (select public.settle_now())
    )
    select jsonb_build_object(
        'policy', coalesce(s.reserve_policy, 'standard'), 'decided_by', s.decided_by,
        'applies_from', s.valid_from, 'applies_until', nullif(s.valid_to, 'infinity'),
        'reserve_days', extract(epoch from p.reserve_period)::integer / 86400,
        'holdback_percent', trim_scale(p.holdback_percent)::text,
        'holdback_days', extract(epoch from p.holdback_period)::integer / 86400
    )
    from (select public.settle_now() as at) as n
    left join decided as s on true
    inner join settlement_core.int_reserve_policies as p
        on p.reserve_policy = coalesce(s.reserve_policy, 'standard')
        and n.at >= p.valid_from and n.at < p.valid_to
$$;
comment on function dbt_reads.reserve_policy() is
'The reserve policy that an order of the seller''s placed now is under: its days, holdback, and who decided it.';

create or replace function dbt_reads.disputes() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with latest as (
        select i.* from settlement_core.int_disputes as i
        where i.seller_id = (select portal.seller())
        order by i.opened_at desc, i.dispute_id collate "C", i.order_id collate "C"
        limit 50
    ),
    -- With what each took from the balance: less than it says where the gross was taken already.
    events as (
        select
            e.*,
            coalesce(c.effective_minor, 0) as effective_minor,
            row_number() over (
                partition by e.order_id, e.dispute_id order by e.known_at desc, e.occurred_at desc,
                    e.event_type = 'opened', e.dispute_event_id collate "C" desc
            ) as age,
            row_number() over (
                partition by e.order_id, e.dispute_id, e.event_type order by e.known_at desc,
                    e.occurred_at desc, e.dispute_event_id collate "C" desc
            ) as age_of_type
        from latest as d
        inner join settlement_core.int_dispute_claims as e
            on d.seller_id = e.seller_id and d.order_id = e.order_id and d.dispute_id = e.dispute_id
        left join settlement_core.int_claims as c
            on e.seller_id = c.seller_id and e.order_id = c.order_id
            and e.dispute_event_id = c.claim_id and c.claim_type = 'dispute_' || e.event_type
        where e.is_effective
    ),
    -- The last word counts, about the amount that was opened last.
    judged as (
        select
            e.order_id, e.dispute_id, sum(e.effective_minor) as borne_minor,
            max(e.amount) filter (where e.event_type = 'opened' and e.age_of_type = 1) as amount,
            max(e.amount_minor) filter (where e.event_type = 'opened' and e.age_of_type = 1)
                as amount_minor,
            max(e.event_type) filter (where e.age = 1 and e.event_type <> 'opened') as outcome,
            max(e.occurred_at) filter (where e.age = 1 and e.event_type <> 'opened') as outcome_at,
            max(greatest(-e.effective_minor, 0)) filter (where e.age = 1 and e.event_type <> 'opened')
                as given_back_minor
        from events as e
        group by e.order_id, e.dispute_id
    )
    select coalesce(
        jsonb_agg(jsonb_build_object(
            'dispute_id', d.dispute_id, 'order_id', d.order_id, 'opened_at', d.opened_at,
            'amount', finance.decimal_amount(j.amount_minor)::text,
            'order_currency', o.currency, 'order_amount', round(j.amount, o.decimals)::text,
            'outcome', j.outcome, 'outcome_at', j.outcome_at,
            'given_back', finance.decimal_amount(j.given_back_minor)::text,
            'borne', finance.decimal_amount(j.borne_minor)::text,
            'borne_by', case when d.is_in_time then 'seller' else 'marketplace' end
        ) order by d.opened_at desc, d.dispute_id collate "C", d.order_id collate "C"),
        '[]'
    )
    from latest as d
    inner join judged as j on d.order_id = j.order_id and d.dispute_id = j.dispute_id
    inner join settlement_core.int_orders as o
        on d.seller_id = o.seller_id and d.order_id = o.order_id
$$;
comment on function dbt_reads.disputes() is
'The 50 disputes of the seller''s orders that were opened last, each with its outcome and what the seller bears of it.';

create or replace function dbt_reads.year_of_a_seller(p_year integer) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_seller text := portal.seller();
    -- Outside of these nothing is, and no date.
    v_begins date := make_date(greatest(1, least(p_year, 9998)), 1, 1);
begin
    return (
        with periods as materialized (
            select p.* from settlement.seller_periods as p where p.seller_id = v_seller
        ),
        rows_of_year as (
            select
                p.period_type,
                p.starts_on,
                jsonb_build_object(
                    'period', p.period, 'ordered', p.ordered::text, 'ordered_count', p.ordered_count,
                    'gross', p.gross::text, 'order_count', p.order_count, 'fees', p.fees::text,
                    'taxes', p.taxes::text, 'refunds', p.refunds::text,
                    'disputes', p.disputes::text, 'consideration', p.consideration::text,
                    'charges', p.charges::text, 'adjustments', p.adjustments::text,
                    'opening_balance', p.opening_balance::text, 'paid', p.paid::text
                ) as amounts
            from periods as p
            where p.starts_on >= v_begins and p.starts_on < v_begins + interval '1 year'
        )
        select jsonb_build_object(
            'seller_id', a.seller_id,
            'display_name', a.display_name,
            'currency', b.currency,
            'zone', b.settlement_timezone,
            'as_of', b.as_of,
            'year', extract(year from v_begins)::integer,
            'earlier', (
                select extract(year from max(p.starts_on))::integer from periods as p
                where p.period_type = 'year' and p.starts_on < v_begins
            ),
            'later', (
                select extract(year from min(p.starts_on))::integer from periods as p
                where p.period_type = 'year' and p.starts_on > v_begins
            ),
            'total', (select r.amounts from rows_of_year as r where r.period_type = 'year'),
            'quarters', coalesce((
                select jsonb_agg(r.amounts order by r.starts_on) from rows_of_year as r
                where r.period_type = 'quarter'
            ), '[]'),
            'months', coalesce((
                select jsonb_agg(r.amounts order by r.starts_on) from rows_of_year as r
                where r.period_type = 'month'
            ), '[]')
        )
        from settlement.seller_accounts as a
        cross join settlement_core.int_build as b
        where a.seller_id = v_seller
    );
end;
$$;
comment on function dbt_reads.year_of_a_seller(integer) is
'The seller''s calendar year in the settlement zone, by quarter and month, as settlement.seller_periods has it.';

set role settle_owner;

-- The sellers of a stored window as they are now: one row of tables, as JSON. Held sellers by reason;
-- all by status, as settlement.seller_settlement has it; flagged ones with their numbers; differences
-- from the current run's latest approval that was not revoked; what the current run pays to another
-- wallet than the one that its seller was last paid to.
with latest as materialized (
    select
        %(window)s is not distinct from finance.latest_closed_window() as is_latest,
        finance.current_run(%(window)s) as run
),

lines as materialized (
    select
        l.seller_id,
        l.state,
        b.run
    from finance.payout_lines as l
    inner join finance.payout_batches as b on l.batch_id = b.batch_id
    where l.payout_window = %(window)s and l.state <> 'rejected'
),

positions as materialized (
    select
        h.seller_id as seller,
        h.hold_reasons[1] as held_for,
        h.rail,
        h.rail_currency,
        h.wallet_address,
        h.net_minor,
        finance.decimal_amount(h.net_minor) as net,
        finance.payout_status(
            true, l.state, cardinality(h.hold_reasons) > 0, not n.is_latest
        ) as status,
        coalesce(l.run, n.run) = n.run as is_of_run
    from finance.current_holds(%(window)s) as h
    cross join latest as n
    left join lines as l on h.seller_id = l.seller_id
),

statuses as (
    select
        s.status,
        count(*) as sellers,
        sum(s.net) as amount
    from positions as s
    group by s.status
    order by s.status
),

holds as (
    select
        s.held_for as reason,
        count(*) as sellers,
        sum(s.net) as amount
    from positions as s
    left join finance.hold_reasons as k on s.held_for = k.reason
    where s.held_for is not null
    group by s.held_for, k.hold_rank
    order by k.hold_rank
),

flagged as (
    select
        h.seller_id as seller,
        array_to_string(h.review_reasons, ', ') as flagged_for,
        h.health_score as score,
        h.dispute_rate,
        h.spike_ratio,
        h.trailing_30d_gross as gross_30d,
        h.trailing_30d_disputes as disputes_30d,
        s.net,
        coalesce(s.held_for, '') as held_for
    from finance.window_close_health as h
    left join positions as s on h.seller_id = s.seller
    where h.payout_window = %(window)s and h.needs_review
    order by s.net_minor desc nulls last, h.seller_id
    limit %(limit)s
),

approved as (
    select l.*
    from finance.approval_lines as l
    where l.approval_id = (
        select max(a.approval_id) from finance.approvals as a
        where
            a.payout_window = %(window)s
            and a.run = (select n.run from latest as n)
            and a.revoked_at is null
    )
),

changes as (
    select
        coalesce(s.seller, l.seller_id) as seller,
        case
            when l.seller_id is null then 'new: not approved'
            when s.seller is null then 'held now: left out'
            else 'changed: not approved'
        end as change,
        finance.decimal_amount(l.net_minor) as approved,
        s.net as now
    from (select * from positions where held_for is null and is_of_run) as s
    full join approved as l on s.seller = l.seller_id
    where
        exists (select from approved)
        and (s.net_minor, s.rail, s.rail_currency, s.wallet_address)
        is distinct from (l.net_minor, l.rail, l.rail_currency, l.wallet_address)
    order by 1
    limit %(limit)s
),

-- Most were last paid in the latest window before this one, which is read at once.
before as materialized (
    select
        l.seller_id,
        l.wallet_address
    from finance.payout_lines as l
    where
        l.payout_window = (
            select max(b.payout_window) from finance.payout_batches as b
            where b.payout_window < %(window)s
        )
        and l.state = 'completed'
),

changed_wallets as (
    select
        s.seller,
        s.rail,
        s.net,
        p.wallet_address as paid_last,
        s.wallet_address as pays_now
    from positions as s
    left join before as b on s.seller = b.seller_id
    cross join lateral (
        select
            coalesce(b.wallet_address, (
                select l.wallet_address
                from finance.payout_lines as l
                where
                    l.seller_id = s.seller
                    and l.state = 'completed'
                    and l.payout_window < %(window)s
                order by l.payout_window desc  -- a seller has one such line in a window
                limit 1
            )) as wallet_address
    ) as p
    where
        s.held_for is null
        and s.is_of_run
        and s.wallet_address <> p.wallet_address
    order by s.net_minor desc, s.seller
    limit %(limit)s
)

select
    coalesce((select json_agg(h) from holds as h), '[]') as holds,
    coalesce((select json_agg(s) from statuses as s), '[]') as statuses,
    coalesce((select json_agg(f) from flagged as f), '[]') as flagged,
    coalesce((select json_agg(c) from changes as c), '[]') as changes,
    coalesce((select json_agg(w) from changed_wallets as w), '[]') as changed_wallets

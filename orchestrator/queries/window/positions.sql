-- A stored window as it is now, judged once for all that is said of it: one row, with tables as JSON.
-- What its current run pays, what blocks it, who approved the window and which approvals cover the
-- run, and the funding it needs. Once frozen, the batch says what is paid; before, what nothing holds
-- now. The amounts of an older window have moved on.
-- Held sellers by reason; all by status, as settlement.seller_settlement has it; flagged ones with
-- their numbers; differences from the current run's latest approval that was not revoked; what the
-- current run pays to another wallet than the one that its seller was last paid to.
with position as materialized (
    select
        p.*,
        coalesce(p.run, 1) as run_now,
        %(window)s is not distinct from finance.latest_closed_window() as is_latest
    from finance.window_position(%(window)s) as p
),

payable as (
    select
        p.digest,
        p.line_count,
        p.total_minor
    from position as p
    where
        p.is_latest
        or exists (
            select from finance.payout_batches as b
            where b.payout_window = %(window)s and b.run = p.run and b.state <> 'rejected'
        )
),

funding as (
    select
        f.rail,
        f.rail_currency as currency,
        f.line_count as lines,
        f.needed,
        f.expected_fees,
        coalesce(f.available::text, 'not known') as available,
        f.missing,
        to_char(f.read_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"') as as_of
    from position as s
    cross join lateral unnest(s.funding) as f
),

approvals as (
    select
        a.run,
        a.approved_by,
        to_char(a.approved_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"') as approved_at,
        a.line_count as lines,
        finance.decimal_amount(a.total_minor) as total,
        a.digest,
        case
            when a.revoked_at is not null then 'revoked'
            when b.batch_id is not null then 'in batch ' || b.batch_id
            when a.run < s.run then 'of an earlier run'
            when a.approval_id = any(s.covering) then 'covers all that is ready'
            else 'does not cover what is ready now'
        end as state
    from finance.approvals as a
    cross join position as s
    left join finance.batch_approvals as b on a.approval_id = b.approval_id
    where a.payout_window = %(window)s
    order by a.approval_id
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

-- Those without a line as the position has them; those with one are judged where there is any.
judged as (
    select
        s.seller_id,
        s.net_minor,
        s.rail,
        s.rail_currency,
        s.wallet_address,
        s.hold_reasons
    from position as p
    cross join lateral unnest(p.sellers) as s
    union all
    select h.*
    from finance.current_holds(%(window)s) as h
    inner join lines as l on h.seller_id = l.seller_id
    where exists (select from lines)
),

-- From the stored rows, so that as many are expected as there are: each was judged.
positions as materialized (
    select
        r.seller_id as seller,
        h.hold_reasons[1] as held_for,
        h.rail,
        h.rail_currency,
        h.wallet_address,
        h.net_minor,
        finance.decimal_amount(h.net_minor) as net,
        finance.payout_status(
            true, l.state, cardinality(h.hold_reasons) > 0, not p.is_latest
        ) as status,
        coalesce(l.run, p.run_now) = p.run_now as is_of_run
    from finance.window_close_rows as r
    cross join position as p
    left join judged as h on r.seller_id = h.seller_id
    left join lines as l on r.seller_id = l.seller_id
    where r.payout_window = %(window)s
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
            and a.run = (select p.run_now from position as p)
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
    p.digest,
    s.run_now as run,
    s.currency,
    coalesce(p.total_minor, 0)::bigint as to_pay_cents,
    coalesce(p.line_count, 0) as line_count,
    finance.decimal_amount(coalesce(p.total_minor, 0)) as total,
    s.obstacles,
    coalesce(s.covering, '{}') as covering,
    coalesce((select json_agg(f) from funding as f), '[]') as funding,
    coalesce((select json_agg(a) from approvals as a), '[]') as approvals,
    coalesce((select json_agg(h) from holds as h), '[]') as holds,
    coalesce((select json_agg(s) from statuses as s), '[]') as statuses,
    coalesce((select json_agg(f) from flagged as f), '[]') as flagged,
    coalesce((select json_agg(c) from changes as c), '[]') as changes,
    coalesce((select json_agg(w) from changed_wallets as w), '[]') as changed_wallets
from position as s
left join payable as p on true

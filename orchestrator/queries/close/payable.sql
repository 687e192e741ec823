-- What the current run of a window pays, what blocks it, who approved the window and which
-- approvals cover the run, and the funding it needs on the rail: one row, with tables as JSON. Once
-- frozen, the batch says what is paid; before, what nothing holds now. The amounts of an older
-- window have moved on.
with positions as materialized (
    select p.* from finance.window_position(%(window)s) as p
),

payable as (
    select
        p.digest,
        p.line_count,
        p.total_minor
    from positions as p
    where
        p.payout_window = finance.latest_closed_window()
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
    from positions as s
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
    cross join positions as s
    left join finance.batch_approvals as b on a.approval_id = b.approval_id
    where a.payout_window = %(window)s
    order by a.approval_id
)

select
    p.digest,
    coalesce(s.run, 1) as run,
    s.currency,
    coalesce(p.total_minor, 0)::bigint as to_pay_cents,
    coalesce(p.line_count, 0) as line_count,
    finance.decimal_amount(coalesce(p.total_minor, 0)) as total,
    s.obstacles,
    coalesce(s.covering, '{}') as covering,
    coalesce((select json_agg(f) from funding as f), '[]') as funding,
    coalesce((select json_agg(a) from approvals as a), '[]') as approvals
from positions as s
left join payable as p on true

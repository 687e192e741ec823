-- What a window would pay now, what blocks it, which approvals cover it, and the funding it needs on
-- the rail: one row, with the funding as JSON. Once frozen, the batch says what is paid; before, what
-- nothing holds now. The amounts of an older window have moved on.
with batch as (
    select
        b.digest,
        b.line_count,
        b.total_minor
    from finance.payout_batches as b
    where b.payout_window = %(window)s and b.state <> 'rejected'
),

-- Asked once, for all that follows.
positions as materialized (
    select finance.standing_rows(%(window)s) as rows
),

payable as (
    select
        b.digest,
        b.line_count,
        b.total_minor
    from batch as b
    union all
    select
        p.digest,
        p.line_count,
        p.total_minor
    from positions as s
    cross join lateral finance.payable_of(%(window)s, s.rows) as p
    where
        p.payout_window = finance.latest_closed_window()
        and not exists (select from batch)
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
    cross join lateral finance.funding_of(%(window)s, s.rows) as f
)

select
    p.digest,
    coalesce(p.total_minor, 0)::bigint as to_pay_cents,
    coalesce(p.line_count, 0) as line_count,
    finance.decimal_amount(coalesce(p.total_minor, 0)) as total,
    (
        select string_agg(o.obstacle, E'\n')
        from finance.obstacles_of(%(window)s, s.rows) as o (obstacle)
    ) as obstacles,
    array(
        select c.approval_id from finance.covering_of(%(window)s, s.rows) as c
    ) as covering,
    coalesce((select json_agg(f) from funding as f), '[]') as funding
from positions as s
left join payable as p on true

-- Sellers' reserve policies, in this order: what waits for another person, the oldest first; who is
-- under another policy than standard now; the 20 others decided last. Beside what waits and what
-- applies: the seller at the latest close, at the one before, and their last four windows.
with recent as materialized (
    select
        c.payout_window,
        row_number() over (order by c.window_starts_at desc) as age
    from finance.window_closes as c
    order by c.window_starts_at desc
    limit 4
),

ranked as materialized (
    select
        d.*,
        coalesce(d.approved_at, d.withdrawn_at) as decided_at,
        case
            when d.state = 'open' then 1
            when d.state = 'current' and d.policy <> 'standard' then 2
            else 3
        end as part
    from finance.reserve_decisions(null) as d
),

listed as (
    select r.* from ranked as r
    where r.part < 3
    union all
    (
        select r.* from ranked as r
        where r.part = 3
        order by r.decided_at desc, r.assignment_id desc, r.seller_id asc limit 20
    )
),

health as (
    select
        w.age,
        h.*
    from recent as w
    inner join finance.window_close_health as h on w.payout_window = h.payout_window
    where w.age <= 2 and h.seller_id in (
        select l.seller_id from listed as l
        where l.part < 3
    )
)

select
    l.assignment_id,
    l.state,
    l.file_id,
    l.seller_id,
    l.policy,
    l.approved_at as since,
    l.note,
    l.assigned_by,
    l.assigned_at,
    l.approved_by,
    l.withdrawn_by,
    l.withdrawn_at,
    array_to_string(f.review_reasons, ', ') as flagged_for,
    f.health_score as score,
    b.health_score as score_before,
    round(100 * f.dispute_rate, 1) as disputes_pct,
    round(100 * b.dispute_rate, 1) as disputes_pct_before,
    f.trailing_30d_disputes as disputes_30d,
    b.trailing_30d_disputes as disputes_30d_before,
    f.trailing_30d_gross as gross_30d,
    b.trailing_30d_gross as gross_30d_before,
    p.windows
from listed as l
left join health as f on l.seller_id = f.seller_id and f.age = 1 and l.part < 3
left join health as b on l.seller_id = b.seller_id and b.age = 2 and l.part < 3
cross join lateral (
    select
        json_agg(json_build_object(
            'payout_window', w.payout_window, 'net', finance.money(r.net_minor),
            'hold_reason', r.hold_reasons[1]
        ) order by w.age) as windows
    from recent as w
    inner join finance.window_close_rows as r
        on w.payout_window = r.payout_window and l.seller_id = r.seller_id
    where l.part < 3
) as p
order by
    l.part asc,
    case when l.part = 1 then l.assignment_id end,
    l.decided_at desc,
    l.assignment_id desc,
    l.seller_id asc

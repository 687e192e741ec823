-- Go-lives: the one that waits or was approved, then those that were withdrawn.
select
    g.go_live_id,
    case
        when g.approved_at is not null then 'approved'
        when g.withdrawn_at is not null then 'withdrawn'
        else 'open'
    end as state,
    g.payout_window,
    g.starts_at,
    b.seller_count,
    finance.money(b.owed_minor) as owed_to_sellers,
    finance.money(b.due_minor) as owed_by_sellers,
    g.note,
    g.proposed_by,
    g.proposed_at,
    g.approved_by,
    g.approved_at,
    g.withdrawn_by,
    g.withdrawn_at
from finance.go_lives as g
cross join lateral (
    select
        count(*) as seller_count,
        coalesce(sum(greatest(o.amount_minor, 0)), 0) as owed_minor,
        coalesce(sum(greatest(-o.amount_minor, 0)), 0) as due_minor
    from finance.opening_balances as o
    where o.go_live_id = g.go_live_id
) as b
order by g.withdrawn_at is not null, g.go_live_id desc

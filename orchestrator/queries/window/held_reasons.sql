-- The reasons that hold sellers of a stored window now, each with how many it holds first, and what
-- else settle held and the console list: what a person may release, what was flagged, and all.
with held as materialized (
    select h.* from finance.held_sellers(%(window)s) as h
),

counted as (
    select
        h.held_for as reason,
        h.is_releasable,
        k.hold_rank,
        count(*) as sellers,
        sum(h.net_minor) as net_minor
    from held as h
    left join finance.hold_reasons as k on h.held_for = k.reason
    group by h.held_for, h.is_releasable, k.hold_rank
    union all
    select 'releasable', true, -2, count(*), coalesce(sum(h.net_minor), 0)
    from held as h where h.is_releasable
    union all
    select 'flagged', false, -1, count(*), coalesce(sum(r.net_minor), 0)
    from finance.window_close_health as f
    left join finance.window_close_rows as r
        on f.payout_window = r.payout_window and f.seller_id = r.seller_id
    where f.payout_window = %(window)s and f.needs_review
    union all
    select 'all', false, 1000, count(*), coalesce(sum(h.net_minor), 0)
    from held as h
)

select
    c.reason,
    c.is_releasable,
    c.hold_rank between 1 and 999 as is_reason,
    c.sellers,
    finance.decimal_amount(c.net_minor) as amount,
    -- Of the one that is asked for: a release names exactly these sellers.
    case
        when c.reason = %(reason)s and c.is_releasable and c.hold_rank between 1 and 999
            then finance.held_digest(%(window)s, c.reason)
    end as digest
from counted as c
order by c.hold_rank

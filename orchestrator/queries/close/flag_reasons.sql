-- How many sellers each reason flagged at the close, and their share of those with health.
select
    f.reason,
    count(*) as sellers,
    round(
        100.0 * count(*) / nullif((
            select count(*) from finance.window_close_health as a
            where a.payout_window = %(window)s
        ), 0), 2
    ) as pct
from finance.window_close_health as h
cross join unnest(h.review_reasons) as f (reason)
where h.payout_window = %(window)s and h.needs_review
group by f.reason
order by f.reason

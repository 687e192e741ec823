-- Sellers whose health needed review at the close, with the numbers that flagged them.
select
    h.seller_id as seller,
    array_to_string(h.review_reasons, ', ') as flagged_for,
    h.health_score as score,
    h.dispute_rate,
    h.spike_ratio,
    h.trailing_30d_gross as gross_30d,
    h.trailing_30d_disputes as disputes_30d,
    (c.net_minor / 100.0)::numeric(20, 2) as net,
    coalesce(c.hold_reasons[1], '') as held_for
from finance.window_close_health as h
left join finance.current_holds(%(window)s) as c on h.seller_id = c.seller_id
where h.payout_window = %(window)s and h.needs_review
order by c.net_minor desc nulls last, h.seller_id
limit %(limit)s

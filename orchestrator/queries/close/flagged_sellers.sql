-- Sellers whose health needed review at the close, the largest amounts first.
select
    h.seller_id as seller,
    h.health_score as score,
    h.trailing_30d_gross as gross_30d,
    h.trailing_30d_disputes as disputes_30d,
    array_to_string(h.review_reasons, ', ') as reasons,
    (r.net_minor / 100.0)::numeric(20, 2) as net,
    coalesce(r.hold_reasons[1], '') as held_for
from finance.window_close_health as h
left join finance.window_close_rows as r
    on h.payout_window = r.payout_window and h.seller_id = r.seller_id
where h.payout_window = %(window)s and h.needs_review
order by r.net_minor desc nulls last, h.seller_id
limit %(limit)s

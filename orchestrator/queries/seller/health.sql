-- The numbers that flag a seller, at the latest close.
select
    h.as_of_window as window,
    h.health_score as score,
    h.dispute_rate,
    h.refund_rate,
    h.spike_ratio,
    h.trailing_30d_gross as gross_30d,
    h.trailing_30d_disputes as disputes_30d,
    h.needs_review,
    array_to_string(h.review_reasons, ', ') as reasons
from settlement.seller_health as h
where h.seller_id = %(seller)s

-- Fails if a score is not between 0 and 100, a rate not between 0 and 1, or a flag is null or says
-- something else than its reasons.

select
    payout_window,
    seller_id,
    health_score,
    dispute_rate,
    refund_rate,
    needs_review,
    review_reasons
from {{ ref('int_seller_health') }}
where
    health_score is null
    or health_score not between 0 and 100
    or dispute_rate not between 0 and 1
    or refund_rate not between 0 and 1
    or spike_ratio < 0
    or needs_review is distinct from cardinality(review_reasons) > 0
    or not review_reasons <@ array['disputes', 'spike', 'new_volume', 'score']

select
    delay_weeks,
    dispute_count,
    {{ money('opened_minor') }} as disputes_opened,
    round(known_share, 4)::numeric(5, 4) as known_share
from {{ ref('int_dispute_delays') }}

-- Approved at the instant of the build.

select
    adjustment_id,
    seller_id,
    adjustment_type,
    reason,
    amount_minor,
    entered_at,
    approved_at,
    withdrawn_at
from {{ ref('stg_finance__adjustments') }}
where approved_at <= {{ as_of() }}

-- In force at the instant this schema shows.

select
    hold_id,
    seller_id,
    note,
    held_at,
    lifted_at
from {{ ref('stg_finance__seller_holds') }}
where
    held_at <= {{ status_as_of() }}
    and (lifted_at is null or lifted_at > {{ status_as_of() }})

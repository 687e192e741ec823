-- In force at the instant this schema shows.

select
    block_id,
    wallet_address,
    account,
    note,
    blocked_at,
    lifted_at
from {{ ref('stg_finance__wallet_blocks') }}
where
    blocked_at <= {{ status_as_of() }}
    and (lifted_at is null or lifted_at > {{ status_as_of() }})

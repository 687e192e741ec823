-- Open at the instant this schema shows.

select
    break_id,
    subject,
    break_kind,
    detail,
    opened_at,
    closed_at
from {{ ref('stg_finance__breaks') }}
where
    opened_at <= {{ status_as_of() }}
    and (closed_at is null or closed_at > {{ status_as_of() }})

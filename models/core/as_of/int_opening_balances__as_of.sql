-- Of the go-live that two people decided by the instant of the build, or of the one rehearsed.

select
    balances.go_live_id,
    balances.seller_id,
    balances.amount_minor,
    go_lives.starts_at
from {{ ref('stg_finance__opening_balances') }} as balances
inner join {{ ref('stg_finance__go_lives') }} as go_lives
    on balances.go_live_id = go_lives.go_live_id
where {{ go_live_counts('go_lives.approved_at', 'go_lives.withdrawn_at') }}

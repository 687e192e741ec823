-- Fails if a stored row's amounts differ from the entries that were stored with it, or an entry was
-- stored without a row: the seller's receipt would not add up.

with

build as (

    select * from {{ ref('int_build') }}

),

-- Older ones were compared when they were in scope, and neither table can change.
closes as (

    select closes.* from {{ ref('int_window_closes__as_of') }} as closes
    cross join build
    where closes.window_ends_at > build.scope_from

),

differences as (

    select
        close_rows.payout_window,
        close_rows.seller_id,
        close_rows.net_minor - close_rows.carried_forward_minor as new_minor,
        close_rows.order_count
    from {{ ref('stg_finance__window_close_rows') }} as close_rows
    inner join closes on close_rows.payout_window = closes.payout_window

    union all

    select
        close_entries.payout_window,
        close_entries.seller_id,
        -close_entries.amount_minor as new_minor,
        case when close_entries.entry_type = 'order' then -1 else 0 end as order_count
    from {{ ref('stg_finance__window_close_entries') }} as close_entries
    inner join closes on close_entries.payout_window = closes.payout_window
    -- It is carried into the row.
    where close_entries.entry_type <> 'opening_balance'

)

select
    payout_window,
    seller_id,
    sum(new_minor) as difference_minor,
    sum(order_count) as difference_count
from differences
group by payout_window, seller_id
having sum(new_minor) <> 0 or sum(order_count) <> 0

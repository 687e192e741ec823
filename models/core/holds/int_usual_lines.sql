-- One row per seller: the median amount due in the last 8 stored windows.

with

closes as (

    select * from {{ ref('int_window_closes__as_of') }}
    order by window_starts_at desc
    limit 8

),

final as (

    select
        close_rows.seller_id,
        percentile_disc(0.5) within group (order by close_rows.net_minor) as median_minor
    from {{ ref('stg_finance__window_close_rows') }} as close_rows
    inner join closes on close_rows.payout_window = closes.payout_window
    group by close_rows.seller_id

)

select * from final

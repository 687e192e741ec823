-- One row per seller who is new to a build: created, or seen first, since what it looks at begins.
-- Whatever their orders say, no build before may have given them an effect.

with

build as not materialized (

    select * from {{ ref('int_build') }}

),

-- With health in a close before that, a seller was seen then, with their orders.
seen as (

    select health.seller_id
    from {{ ref('stg_finance__window_close_health') }} as health
    inner join {{ ref('int_window_closes__as_of') }} as closes
        on health.payout_window = closes.payout_window
    cross join build
    where closes.window_ends_at = build.scope_from

),

final as (

    select sellers.seller_id
    from {{ ref('int_sellers') }} as sellers
    cross join build
    left join seen on sellers.seller_id = seen.seller_id
    where
        sellers.created_at >= build.known_from
        or (sellers.first_seen_at >= build.known_from and seen.seller_id is null)

)

select * from final

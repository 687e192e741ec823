-- One row per seller whose lines moved in the open window: what that window carries by now. A build
-- counts the same; this counts at once what was frozen or came back since.

with

open_window as not materialized (

    select * from {{ ref('int_windows') }}
    where not is_closed

),

moved as (

    select
        seller_id,
        sum(amount_minor)::bigint as moved_minor
    from {{ ref('int_line_moves') }}
    where
        moved_at >= (select open_window.window_starts_at from open_window)
        and moved_at < (select open_window.window_ends_at from open_window)
    group by seller_id

),

-- What the window before left, as stored or as computed. The first window of all has no lines.
left_over as (

    select
        open_window.payout_window,
        moved.seller_id,
        open_window.window_starts_at,
        open_window.window_ends_at,
        coalesce(close_rows.net_minor, computed.net_minor, 0) as left_minor,
        coalesce(close_rows.weeks_carried, computed.weeks_carried, 0) as left_weeks,
        moved.moved_minor
    from moved
    cross join open_window
    left join {{ ref('int_window_closes__as_of') }} as closes
        on open_window.window_starts_at = closes.window_ends_at
    left join {{ ref('stg_finance__window_close_rows') }} as close_rows
        on
            closes.payout_window = close_rows.payout_window
            and moved.seller_id = close_rows.seller_id
    left join {{ ref('int_settlement__computed') }} as computed
        on
            open_window.window_starts_at = computed.window_ends_at
            and moved.seller_id = computed.seller_id

),

final as (

    select
        payout_window,
        seller_id,
        window_starts_at,
        window_ends_at,
        left_minor + moved_minor as carried_forward_minor,
        case
            when left_minor + moved_minor = 0 then 0
            when left_minor = 0 then 1
            else left_weeks + 1
        end as weeks_carried
    from left_over

)

select * from final

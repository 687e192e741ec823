with

build as (

    select * from {{ ref('int_build') }}

),

sums as (

    select
        sums.*,
        0::bigint as line_moves_minor,
        true as has_entries,
        0 as weeks_carried
    from {{ ref('int_window_sums') }} as sums
    cross join build
    where sums.window_starts_at >= build.stored_until

),

line_moves as (

    select
        moves.seller_id,
        {{ window_starts_at('moves.moved_at') }} as window_starts_at,
        moves.amount_minor as line_moves_minor
    from {{ ref('int_line_moves') }} as moves
    cross join build
    where moves.moved_at >= build.stored_until

),

-- What the latest stored close left with each seller is where the windows after it start.
opening as (

    select
        close_rows.seller_id,
        closes.window_starts_at,
        close_rows.net_minor as opening_minor,
        close_rows.weeks_carried
    from {{ ref('stg_finance__window_close_rows') }} as close_rows
    inner join {{ ref('int_window_closes__as_of') }} as closes
        on close_rows.payout_window = closes.payout_window
    cross join build
    where closes.window_ends_at = build.stored_until and close_rows.net_minor <> 0

),

moves as (

    select * from sums

    union all

    select
        seller_id,
        window_starts_at,
        0 as gross_minor,
        0 as fees_minor,
        0 as taxes_minor,
        0 as refunds_minor,
        0 as disputes_minor,
        0 as charges_minor,
        0 as adjustments_minor,
        0 as opening_minor,
        0 as new_minor,
        0 as order_count,
        line_moves_minor,
        false as has_entries,
        0 as weeks_carried
    from line_moves

    union all

    select
        seller_id,
        window_starts_at,
        0 as gross_minor,
        0 as fees_minor,
        0 as taxes_minor,
        0 as refunds_minor,
        0 as disputes_minor,
        0 as charges_minor,
        0 as adjustments_minor,
        opening_minor,
        0 as new_minor,
        0 as order_count,
        0 as line_moves_minor,
        false as has_entries,
        weeks_carried
    from opening

),

final as (

    select
        seller_id,
        window_starts_at,
        sum(gross_minor)::bigint as gross_minor,
        sum(fees_minor)::bigint as fees_minor,
        sum(taxes_minor)::bigint as taxes_minor,
        sum(refunds_minor)::bigint as refunds_minor,
        sum(disputes_minor)::bigint as disputes_minor,
        sum(charges_minor)::bigint as charges_minor,
        sum(adjustments_minor)::bigint as adjustments_minor,
        sum(new_minor)::bigint as new_minor,
        sum(opening_minor)::bigint as opening_minor,
        sum(line_moves_minor)::bigint as line_moves_minor,
        sum(order_count)::integer as order_count,
        bool_or(has_entries) as has_entries,
        max(weeks_carried) as weeks_carried
    from moves
    group by seller_id, window_starts_at

)

select * from final

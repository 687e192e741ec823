-- One row per seller and window: as stored where a close exists, else as it is by now.

with

closes as (

    select * from {{ ref('int_window_closes__as_of') }}

),

stored as (

    select
        close_rows.*,
        closes.window_starts_at,
        closes.window_ends_at
    from {{ ref('stg_finance__window_close_rows') }} as close_rows
    inner join closes on close_rows.payout_window = closes.payout_window

),

live as (

    select * from {{ ref('int_settlement__live') }}

),

final as (

    select
        payout_window,
        seller_id,
        window_starts_at,
        window_ends_at,
        gross_minor,
        fees_minor,
        taxes_minor,
        refunds_minor,
        disputes_minor,
        charges_minor,
        adjustments_minor,
        carried_forward_minor,
        net_minor,
        order_count,
        weeks_carried,
        rail,
        wallet_address,
        hold_reasons,
        hold_detail,
        true as is_stored
    from stored

    union all

    select
        payout_window,
        seller_id,
        window_starts_at,
        window_ends_at,
        gross_minor,
        fees_minor,
        taxes_minor,
        refunds_minor,
        disputes_minor,
        charges_minor,
        adjustments_minor,
        carried_forward_minor,
        net_minor,
        order_count,
        weeks_carried,
        rail,
        wallet_address,
        hold_reasons,
        hold_detail,
        false as is_stored
    from live

)

select * from final

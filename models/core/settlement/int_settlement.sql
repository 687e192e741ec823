-- One row per seller and window: as stored where a close exists, else as computed.

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

-- A close stored since the build takes the place of the rows it was copied from.
computed as (

    select computed.* from {{ ref('int_settlement__computed') }} as computed
    where
        computed.window_starts_at
        >= (select coalesce(max(closes.window_ends_at), '-infinity') from closes)

),

final as (

    select
        payout_window,
        seller_id,
        window_starts_at,
        window_ends_at,
        gross_minor,
        fees_minor,
        refunds_minor,
        disputes_minor,
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
        refunds_minor,
        disputes_minor,
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
    from computed

)

select * from final

-- One row per seller and window without a stored close: as computed, but that the open window
-- carries what it does by now.

with

closes as (

    select * from {{ ref('int_window_closes__as_of') }}

),

-- A close stored since the build takes the place of the rows it was copied from.
computed as (

    select computed.* from {{ ref('int_settlement__computed') }} as computed
    where
        computed.window_starts_at
        >= (select coalesce(max(closes.window_ends_at), '-infinity') from closes)

),

carried as not materialized (

    select * from {{ ref('int_settlement__carried') }}

),

final as (

    select
        computed.payout_window,
        computed.seller_id,
        computed.window_starts_at,
        computed.window_ends_at,
        computed.gross_minor,
        computed.fees_minor,
        computed.taxes_minor,
        computed.refunds_minor,
        computed.disputes_minor,
        computed.charges_minor,
        computed.adjustments_minor,
        coalesce(carried.carried_forward_minor, computed.carried_forward_minor)
            as carried_forward_minor,
        computed.net_minor - computed.carried_forward_minor
        + coalesce(carried.carried_forward_minor, computed.carried_forward_minor) as net_minor,
        computed.order_count,
        coalesce(carried.weeks_carried, computed.weeks_carried) as weeks_carried,
        computed.rail,
        computed.wallet_address,
        computed.hold_reasons,
        computed.hold_detail
    from computed
    left join carried
        on
            computed.payout_window = carried.payout_window
            and computed.seller_id = carried.seller_id
    where computed.has_entries or carried.carried_forward_minor is distinct from 0

    union all

    -- Paid in full, nothing new since, and now money came back.
    select
        carried.payout_window,
        carried.seller_id,
        carried.window_starts_at,
        carried.window_ends_at,
        0 as gross_minor,
        0 as fees_minor,
        0 as taxes_minor,
        0 as refunds_minor,
        0 as disputes_minor,
        0 as charges_minor,
        0 as adjustments_minor,
        carried.carried_forward_minor,
        carried.carried_forward_minor as net_minor,
        0 as order_count,
        carried.weeks_carried,
        sellers.rail,
        coalesce(sellers.wallet_address, '') as wallet_address,
        '{}'::text[] as hold_reasons,
        null as hold_detail
    from carried
    left join {{ ref('int_settlement__computed') }} as computed
        on
            carried.payout_window = computed.payout_window
            and carried.seller_id = computed.seller_id
    left join {{ ref('int_seller_accounts') }} as sellers on carried.seller_id = sellers.seller_id
    where computed.seller_id is null and carried.carried_forward_minor <> 0

)

select * from final

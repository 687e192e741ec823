-- One row per seller and stored window, among those computed again, where the facts now say
-- something else than the close that was stored.

with

build as (

    select * from {{ ref('int_build') }}

),

closes as (

    select closes.* from {{ ref('int_window_closes__as_of') }} as closes
    cross join build
    where
        closes.window_starts_at >= build.scope_from
        and closes.window_ends_at <= build.stored_until

),

stored as (

    select
        closes.payout_window,
        close_rows.seller_id,
        close_rows.gross_minor,
        close_rows.fees_minor,
        close_rows.refunds_minor,
        close_rows.disputes_minor,
        close_rows.adjustments_minor
    from {{ ref('stg_finance__window_close_rows') }} as close_rows
    inner join closes on close_rows.payout_window = closes.payout_window

),

computed as (

    select
        closes.payout_window,
        sums.seller_id,
        sums.gross_minor,
        sums.fees_minor,
        sums.refunds_minor,
        sums.disputes_minor,
        sums.adjustments_minor
    from {{ ref('int_window_sums') }} as sums
    inner join closes on sums.window_starts_at = closes.window_starts_at

),

final as (

    select
        coalesce(stored.payout_window, computed.payout_window) as payout_window,
        coalesce(stored.seller_id, computed.seller_id) as seller_id,
        coalesce(
            stored.gross_minor - stored.fees_minor - stored.refunds_minor - stored.disputes_minor
            + stored.adjustments_minor, 0
        ) as stored_minor,
        coalesce(
            computed.gross_minor - computed.fees_minor - computed.refunds_minor
            - computed.disputes_minor + computed.adjustments_minor, 0
        ) as computed_minor
    from stored
    full outer join computed
        on
            stored.payout_window = computed.payout_window
            and stored.seller_id = computed.seller_id
    where
        (
            coalesce(stored.gross_minor, 0), coalesce(stored.fees_minor, 0),
            coalesce(stored.refunds_minor, 0), coalesce(stored.disputes_minor, 0),
            coalesce(stored.adjustments_minor, 0)
        ) <> (
            coalesce(computed.gross_minor, 0), coalesce(computed.fees_minor, 0),
            coalesce(computed.refunds_minor, 0), coalesce(computed.disputes_minor, 0),
            coalesce(computed.adjustments_minor, 0)
        )

)

select * from final

{{ config(materialized='incremental', incremental_strategy='append') }}

-- One row per stored close, kind of entry and its detail, local day on which the entries became
-- known and month in which they became available. A close never changes: each is summed once.

with

build as (

    select * from {{ ref('int_build') }}

),

closes as (

    select closes.* from {{ ref('int_window_closes__as_of') }} as closes
    cross join build
    where
        closes.window_ends_at <= build.stored_until
        {%- if is_incremental() %}
            and closes.window_starts_at
            > (select coalesce(max(summed.window_starts_at), '-infinity') from {{ this }} as summed)
        {%- endif %}

),

dated as (

    select
        closes.payout_window,
        closes.window_starts_at,
        close_entries.seller_id,
        close_entries.source_id,
        close_entries.entry_type,
        close_entries.amount_minor,
        {{ stored_fee_type('close_entries') }} as fee_type,
        {{ settlement_day('close_entries.known_at') }} as known_on,
        {{ settlement_month('close_entries.available_at') }} as available_in
    from {{ ref('stg_finance__window_close_entries') }} as close_entries
    inner join closes on close_entries.payout_window = closes.payout_window
    {{ with_stored_fees('close_entries') }}

),

final as (

    select
        dated.payout_window,
        dated.window_starts_at,
        dated.entry_type,
        {{ entry_detail('dated', 'dated.fee_type') }} as entry_detail,
        dated.known_on,
        dated.available_in,
        sum(dated.amount_minor)::bigint as amount_minor
    from {{ with_details('dated') }}
    group by 1, 2, 3, 4, 5, 6

)

select * from final

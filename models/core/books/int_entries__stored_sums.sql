{{ config(materialized='incremental', incremental_strategy='append') }}

-- One row per stored close, kind of entry and local day on which the entries became known. A close
-- never changes, so each is summed once.

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

final as (

    select
        closes.window_starts_at,
        close_entries.entry_type,
        {{ settlement_day('close_entries.known_at') }} as known_on,
        sum(close_entries.amount_minor)::bigint as amount_minor
    from {{ ref('stg_finance__window_close_entries') }} as close_entries
    inner join closes on close_entries.payout_window = closes.payout_window
    group by 1, 2, 3

)

select * from final

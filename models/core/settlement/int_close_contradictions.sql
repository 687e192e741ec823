{{ config(materialized='table') }}

{%- set columns = [] %}
{%- for column, _, _ in entry_columns() if column != 'opening' %}
    {%- do columns.append(column ~ '_minor') %}
{%- endfor -%}

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
        close_rows.net_minor - close_rows.carried_forward_minor as new_minor,
        array[{{ columns | join(', ') }}] as parts
    from {{ ref('stg_finance__window_close_rows') }} as close_rows
    inner join closes on close_rows.payout_window = closes.payout_window

),

computed as (

    select
        closes.payout_window,
        sums.seller_id,
        sums.new_minor,
        array[{{ columns | join(', ') }}] as parts
    from {{ ref('int_window_sums__rechecked') }} as sums
    inner join closes on sums.window_starts_at = closes.window_starts_at

),

nothing as (

    select array_fill(0::bigint, array[{{ columns | length }}]) as parts

),

final as (

    select
        coalesce(stored.payout_window, computed.payout_window) as payout_window,
        coalesce(stored.seller_id, computed.seller_id) as seller_id,
        coalesce(stored.new_minor, 0) as stored_minor,
        coalesce(computed.new_minor, 0) as computed_minor
    from stored
    full outer join computed
        on
            stored.payout_window = computed.payout_window
            and stored.seller_id = computed.seller_id
    cross join nothing
    where coalesce(stored.parts, nothing.parts) <> coalesce(computed.parts, nothing.parts)

)

select * from final

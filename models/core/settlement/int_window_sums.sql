{{ config(materialized='table', indexes=[{'columns': ['seller_id', 'window_starts_at']}]) }}

-- One row per seller and window: what is in no close yet, and the stored windows that are
-- computed again.

with

entries as (

    select
        entry_type,
        seller_id,
        amount_minor,
        window_starts_at
    from {{ ref('int_entries') }}

),

-- By type first, so that few rows are asked which column they belong to.
by_type as (

    select
        seller_id,
        window_starts_at,
        entry_type,
        sum(amount_minor) as amount_minor,
        count(*) as entry_count
    from entries
    group by seller_id, window_starts_at, entry_type

),

summed as (

    select
        seller_id,
        window_starts_at,
        {{ entry_sums() }}
    from by_type
    group by seller_id, window_starts_at

),

final as (

    select * from summed

    union all

    select
        seller_id,
        window_starts_at,
        {%- for column, _, _ in entry_columns() %}
            {{ column }}_minor,
        {%- endfor %}
        new_minor,
        order_count
    from {{ ref('int_window_sums__rechecked') }}

)

select * from final

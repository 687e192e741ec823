{{ config(materialized='table', indexes=[{'columns': ['seller_id', 'window_starts_at']}]) }}

with

entries as (

    select
        entry_type,
        seller_id,
        amount_minor,
        window_starts_at
    from {{ ref('int_entries') }}

    union all

    select * from {{ ref('int_entries__rechecked') }}

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

final as (

    select
        seller_id,
        window_starts_at,
        {%- for column, sign, types in entry_columns() %}
            coalesce(
                {{ sign }}sum(amount_minor) filter (where entry_type in ({{ types }})), 0
            )::bigint as {{ column }}_minor,
        {%- endfor %}
        coalesce(sum(amount_minor) filter (where entry_type <> 'opening_balance'), 0)::bigint
            as new_minor,
        coalesce(sum(entry_count) filter (where entry_type = 'order'), 0)::integer as order_count
    from by_type
    group by seller_id, window_starts_at

)

select * from final

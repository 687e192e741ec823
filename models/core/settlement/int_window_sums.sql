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
        count(*) filter (where entry_type = 'order')::integer as order_count
    from entries
    group by seller_id, window_starts_at

)

select * from final

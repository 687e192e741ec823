{{
    config(
        materialized='table',
        indexes=[{'columns': ['seller_id']}, {'columns': ['available_at']}],
    )
}}

{%- set is_scoped = is_scoped() %}

with

build as (

    select * from {{ ref('int_build') }}

),

touched as (

    select * from {{ ref('int_orders__touched') }}

),

entries as not materialized (

    select * from {{ ref('entries') }}

),

-- Only what became or becomes available since the scope begins. The array reaches through the
-- views down to the index on order_id; a join would not.
final as (

    select
        entries.*,
        {{ window_starts_at('entries.available_at') }} as window_starts_at
    from entries
    where
        entries.available_at >= (select build.scope_from from build)
        {% if is_scoped -%}
            and (
                entries.order_id = any(array(select touched.order_id from touched))
            )

    union all

    select
        entries.*,
        {{ window_starts_at('entries.available_at') }} as window_starts_at
    from entries
    where
        entries.available_at >= (select build.scope_from from build)
        and entries.entry_type = 'adjustment'
        {%- endif %}

)

select * from final

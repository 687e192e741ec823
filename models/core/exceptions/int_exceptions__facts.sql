{#- Kept over the builds: what was good stays good, so a scoped build judges what became known or
    came since the latest close, and once more what is listed: its seller or order may be here. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['seller_id', 'source_table', 'source_id'],
        pre_hook="{% if is_incremental() and not is_scoped() %}delete from {{ this }}{% endif %}",
        post_hook="delete from {{ this }} where reason is null",
    )
}}

{%- set is_renewed = is_incremental() and is_scoped() %}
-- depends_on: {{ ref('int_build') }}

-- One row per fact that has no effect because it is bad in itself or its order is.

with

facts as not materialized (

    select * from {{ ref('int_raw_facts') }}
    where {{ opaque_to_planner('listed_at <= ' ~ as_of()) }}

),

-- What a close posted was judged in its build.
late as not materialized (

    select * from {{ ref('int_late_facts') }}
    where known_at is not null

),

new as not materialized (

    select * from facts
    {%- if is_renewed %}
        where known_at >= (select build.stored_until from {{ ref('int_build') }} as build)
    {%- endif %}

),

suspects as {{ brought_here() }} (

    {{ suspected('new', known_at='listed_at') }}
    {%- if is_renewed %}

        union

        {{ suspected('late') }}

        union

        -- One by one, each by its key: a join would read every fact there ever was.
        select
            facts.source_table,
            facts.source_id,
            facts.seller_id,
            facts.order_id,
            facts.amount,
            facts.event_type,
            facts.is_misdated,
            facts.listed_at as known_at
        from {{ this }} as listed
        cross join lateral (
            select facts.* from facts
            where
                (facts.seller_id, facts.source_table, facts.source_id)
                = (listed.seller_id, listed.source_table, listed.source_id)
            order by facts.source_id
        ) as facts
    {%- endif %}

),

orders as {{ brought_here() }} (

    {{ named_by('suspects', ref('int_orders__judged'), ['seller_id', 'order_id']) }}

),

sellers as {{ brought_here() }} (

    {{ named_by('suspects', ref('int_sellers'), ['seller_id']) }}

),

-- Suspects are few: each order is looked up, where a plain join would read them all.
judged as (

    select
        suspects.source_table,
        suspects.source_id,
        suspects.seller_id,
        suspects.amount,
        case
            when suspects.known_at >= {{ first_instant() }} then suspects.known_at
        end as known_at,
        case
            when sellers.seller_id is null then 'unknown_seller'
            when suspects.source_table = 'seller_charges'
                then {{ charge_defect('suspects') }}
            when orders.order_id is null then 'unknown_order'
            when suspects.source_table = 'orders' then orders.defect
            when orders.defect is not null then 'order_without_effect'
            else {{ fact_defect('suspects', 'orders.decimals', 'orders.cents_per_unit') }}
        end as reason
    from suspects
    left join sellers
        on suspects.seller_id = sellers.seller_id and sellers.created_at <= {{ as_of() }}
    {{ looked_up('orders', of='suspects', among='orders', is_optional=true) }}

),

final as (

    select * from judged
    where reason is not null or {{ is_renewed }}

)

select * from final

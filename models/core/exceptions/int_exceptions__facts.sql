{#- Kept over the builds: a fact that was good stays good, so a scoped build judges what became
    known since its scope begins, and once more what is listed: its seller or order may be here. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['source_table', 'source_id'],
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

),

sellers as (

    select * from {{ ref('stg_marketplace__sellers') }}
    where created_at <= {{ as_of() }}

),

raw_orders as (

    select * from {{ ref('stg_marketplace__orders') }}
    where known_at <= {{ as_of() }}

),

-- A fact of an order with an effect is good, but for an amount that is no money or not positive.
suspects as (

    select facts.* from facts
    left join {{ ref('int_orders') }} as orders
        on
            facts.order_id = orders.order_id
            and {{ opaque_to_planner('facts.seller_id = orders.seller_id') }}
    where
        {{ opaque_to_planner('facts.known_at <= ' ~ as_of()) }}
        {%- if is_renewed %}
            and facts.known_at >= (select build.scope_from from {{ ref('int_build') }} as build)
        {%- endif %}
        and (
            orders.order_id is null
            or facts.amount_minor is null
            or (facts.must_be_positive and facts.amount_minor <= 0)
        )
    {%- if is_renewed %}

        union

        -- One by one, each by its key: a join would read every fact there ever was.
        select facts.* from {{ this }} as listed
        cross join lateral (
            select facts.* from facts
            where
                facts.source_table = listed.source_table
                and facts.source_id = listed.source_id
            order by facts.source_id
            offset 0
        ) as facts
    {%- endif %}

),

-- Suspects are few: each order is looked up, where a plain join would read them all.
judged as (

    select
        suspects.source_table,
        suspects.source_id,
        suspects.seller_id,
        suspects.known_at,
        case
            when sellers.seller_id is null then 'unknown_seller'
            when raw_orders.order_id is null then 'unknown_order'
            when raw_orders.seller_id <> suspects.seller_id then 'other_seller'
            when suspects.currency <> '{{ var("settlement_currency") }}' then 'other_currency'
            when suspects.amount_minor is null then 'invalid_amount'
            when suspects.must_be_positive and suspects.amount_minor <= 0
                then 'amount_not_positive'
            when
                raw_orders.currency <> '{{ var("settlement_currency") }}'
                or raw_orders.gross_minor is null
                or raw_orders.gross_minor <= 0
                then 'order_without_effect'
        end as reason
    from suspects
    left join sellers on suspects.seller_id = sellers.seller_id
    left join lateral (
        select raw_orders.* from raw_orders
        where raw_orders.order_id = suspects.order_id
        order by raw_orders.known_at
        limit 1
    ) as raw_orders on true

),

final as (

    select * from judged
    where reason is not null or {{ is_renewed }}

)

select * from final

{#- Kept over the builds: a build looks at the orders that were touched, and renews theirs. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        indexes=[{'columns': ['order_id']}],
        pre_hook="{% if is_incremental() %}delete from {{ this }} {% if is_scoped() %}where order_id in (select order_id from {{ ref('int_orders') }}){% endif %}{% endif %}",
    )
}}

-- depends_on: {{ ref('int_orders') }}

with

disputes as (

    select * from {{ ref('int_exceptions__disputes') }}

),

fees as not materialized (

    select * from {{ ref('int_order_fees') }}

),

-- Few orders have any, and only theirs are summed.
credits as (

    select order_id from fees
    where amount_minor < 0

),

claims as (

    select * from {{ ref('int_claims') }}

),

fee_credits as (

    select
        order_id,
        seller_id,
        max(known_at) as known_at,
        -sum(amount_minor) as above_minor
    from fees
    where order_id in (select credits.order_id from credits)
    group by order_id, seller_id
    having sum(amount_minor) < 0

),

final as (

    select
        'dispute_events' as source_table,
        source_id,
        order_id,
        seller_id,
        reason,
        null::bigint as amount_minor,
        known_at
    from disputes

    union all

    select
        'order_fees' as source_table,
        order_id as source_id,
        order_id,
        seller_id,
        'fee_credits_above_fees' as reason,
        above_minor::bigint as amount_minor,
        known_at
    from fee_credits

    union all

    select
        case claim_type when 'refund' then 'refunds' else 'dispute_events' end as source_table,
        claim_id as source_id,
        order_id,
        seller_id,
        'claim_above_gross' as reason,
        claimed_minor - effective_minor as amount_minor,
        known_at
    from claims
    where claimed_minor <> effective_minor

)

select * from final

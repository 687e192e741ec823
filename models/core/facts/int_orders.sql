{{
    config(
        materialized='table',
        unique_key=['seller_id', 'order_id'],
        indexes=[{'columns': ['seller_id', 'order_id'], 'unique': true}],
    )
}}

-- One row per order with an effect, under the terms that all its facts obey.

with

candidates as (

    select * from {{ ref('int_orders__candidates') }}

),

sellers as (

    select * from {{ ref('int_sellers') }}

),

seller_policies as (

    select * from {{ ref('int_seller_policies') }}

),

policies as (

    select * from {{ ref('int_reserve_policies') }}

),

late as {{ computed_once() }} (

    {{ late_facts('orders') }}

),

-- An order with a defect has no effect, nor has any fact of it.
effective as (

    select
        candidates.seller_id,
        candidates.order_id,
        candidates.currency,
        candidates.gross_amount,
        currencies.decimals,
        {{ cents(rate('candidates')) }} as cents_per_unit,
        candidates.ordered_at,
        greatest(candidates.known_at, sellers.created_at) as first_known_at
    from candidates
    inner join sellers on candidates.seller_id = sellers.seller_id
    inner join {{ ref('currencies') }} as currencies on candidates.currency = currencies.currency
    where {{ opaque_to_planner(order_defect('candidates', 'currencies') ~ ' is null') }}
    {%- if not is_distributed() %}
        -- In the order of the keys by which their facts are looked up, while they are narrow. Of
        -- several machines one would have to sort them all.
        order by candidates.seller_id, candidates.order_id
    {%- endif %}

),

under_policies as (

    select
        effective.*,
        effective.ordered_at + coalesce(policies.reserve_period, interval '168 hours')
            as release_at,
        coalesce(seller_policies.reserve_policy, 'standard') as reserve_policy,
        coalesce(policies.holdback_percent, 0) as holdback_percent,
        coalesce(policies.holdback_period, interval '0') as holdback_period
    from effective
    left join seller_policies
        on
            effective.seller_id = seller_policies.seller_id
            and effective.ordered_at >= seller_policies.valid_from
            and effective.ordered_at < seller_policies.valid_to
    left join policies
        on
            policies.reserve_policy = coalesce(seller_policies.reserve_policy, 'standard')
            and effective.ordered_at >= policies.valid_from
            and effective.ordered_at < policies.valid_to

),

posted as (

    select
        under_policies.*,
        {{ settled('under_policies.gross_amount', 'under_policies.cents_per_unit') }}
            as gross_minor,
        {{ posted_at('greatest(under_policies.first_known_at, under_policies.release_at)') }}
            as posted_at
    from under_policies
    left join late
        on
            under_policies.seller_id = late.seller_id
            and under_policies.order_id = late.source_id

),

final as (

    select
        seller_id,
        order_id,
        currency,
        gross_amount,
        decimals,
        cents_per_unit,
        gross_minor,
        {{ percent_of('gross_minor', 'holdback_percent') }} as holdback_minor,
        ordered_at,
        first_known_at,
        coalesce(posted_at, first_known_at) as known_at,
        posted_at,
        reserve_policy,
        release_at,
        release_at + holdback_period as holdback_until,
        {{ window_ends_at('greatest(release_at, coalesce(posted_at, first_known_at))') }}
            as paying_window_ends_at
    from posted
    where coalesce(posted_at, first_known_at) <= {{ as_of() }}

)

select * from final

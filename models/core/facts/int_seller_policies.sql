{#- A table where distributed: what comes from the coordinator goes to the workers once. -#}
{{ config(materialized='table' if var('distributed') else 'view') }}

-- One row per seller and time under another reserve policy than standard: as it was decided, and
-- where nothing was, that of new sellers in their first days.

with

decided as (

    select * from {{ ref('int_reserve_assignments') }}

),

decided_times as (

    select
        seller_id,
        range_agg(tstzrange(valid_from, valid_to)) as during
    from decided
    group by seller_id

),

first_days as (

    select
        sellers.seller_id,
        policies.reserve_policy,
        tstzrange(
            policies.valid_from,
            least(policies.valid_to, sellers.created_at + policies.new_period)
        ) as during
    from {{ ref('int_sellers') }} as sellers
    inner join {{ ref('int_new_seller_policies') }} as policies
        on policies.valid_from < sellers.created_at + policies.new_period
    -- A mistyped year, to which nothing can be added.
    where sellers.created_at < {{ instants_end() }}

),

undecided as (

    select
        first_days.seller_id,
        first_days.reserve_policy,
        unnest(
            tstzmultirange(first_days.during) - coalesce(decided_times.during, '{}'::tstzmultirange)
        ) as during
    from first_days
    left join decided_times on first_days.seller_id = decided_times.seller_id

),

final as (

    select
        seller_id,
        reserve_policy,
        case when is_by_people then 'people' else 'review' end as decided_by,
        valid_from,
        valid_to
    from decided

    union all

    select
        seller_id,
        reserve_policy,
        'new_seller' as decided_by,
        lower(during) as valid_from,
        upper(during) as valid_to
    from undecided

)

select * from final

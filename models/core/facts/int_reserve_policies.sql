-- One row per reserve policy and version of it: what holds for orders placed from valid_from on,
-- before valid_to.

with

policies as (

    select * from {{ ref('reserve_policies') }}

),

final as (

    select
        policy as reserve_policy,
        valid_from,
        lead(valid_from, 1, 'infinity') over (partition by policy order by valid_from) as valid_to,
        holdback_percent,
        make_interval(hours => reserve_days * 24) as reserve_period,
        make_interval(hours => holdback_days * 24) as holdback_period
    from policies

)

select * from final

-- One row per version of the policy of new sellers: what holds for orders placed from valid_from
-- on, before valid_to, in the seller's first days.

with

policies as (

    select * from {{ ref('new_seller_policies') }}

),

final as (

    select
        policy as reserve_policy,
        valid_from,
        lead(valid_from, 1, 'infinity') over (order by valid_from) as valid_to,
        make_interval(hours => days * 24) as new_period
    from policies

)

select * from final
where new_period > interval '0'

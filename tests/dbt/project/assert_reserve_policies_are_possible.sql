-- Fails if a policy has days below 0 or a share outside 0 to 100, if standard does not reach back
-- to any order, or if new sellers are put under a policy that is not there then.

with

policies as (

    select * from {{ ref('reserve_policies') }}

),

impossible as (

    select
        'a number is out of range' as problem,
        concat_ws(' ', policies.policy, policies.valid_from) as policy_row
    from policies
    where
        policies.reserve_days < 0
        or policies.holdback_days < 0
        or policies.holdback_percent not between 0 and 100

),

missing as (

    select
        'no row on 1970-01-01' as problem,
        'standard' as policy_row
    where
        not exists (
            select 1
            from policies
            where
                policies.policy = 'standard'
                and policies.valid_from <= timestamptz '1970-01-01 00:00:00+00'
        )

),

new_sellers as (

    select
        'new sellers have a policy that is unknown then, or days below 0' as problem,
        concat_ws(' ', new_sellers.policy, new_sellers.valid_from) as policy_row
    from {{ ref('new_seller_policies') }} as new_sellers
    where
        new_sellers.days < 0
        or not exists (
            select 1
            from policies
            where
                policies.policy = new_sellers.policy
                and policies.valid_from <= new_sellers.valid_from
        )

),

final as (

    select * from impossible
    union all
    select * from missing
    union all
    select * from new_sellers

)

select * from final

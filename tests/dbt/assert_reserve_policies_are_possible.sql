-- Fails if a policy has days below 0 or a share outside 0 to 100, or if standard does not reach
-- back to any order.

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

final as (

    select * from impossible
    union all
    select * from missing

)

select * from final

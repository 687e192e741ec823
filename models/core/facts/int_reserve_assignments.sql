-- One row per seller and time under a reserve policy that was decided for them: by two people, or
-- by a close that flagged them, until it was lifted. The latest counts, whoever decided. For
-- everybody else it is the policy named standard, or that of new sellers.

with

by_people as (

    select
        seller_id,
        reserve_policy,
        approved_at as valid_from,
        true as is_by_people,
        assignment_id as decision_id
    from {{ ref('stg_finance__reserve_assignments') }}
    where approved_at is not null

),

by_flags as (

    select
        seller_id,
        reserve_policy,
        applies_from as valid_from,
        false as is_by_people,
        flag_assignment_id as decision_id
    from {{ ref('stg_finance__flag_assignments') }}

),

decided as (

    select * from by_people

    union all

    select * from by_flags

),

-- At one instant people's word comes last, and so it counts.
timeline as (

    select
        seller_id,
        reserve_policy,
        valid_from,
        lead(valid_from, 1, 'infinity') over (
            partition by seller_id order by valid_from, is_by_people, decision_id
        ) as valid_to,
        is_by_people
    from decided

),

final as (

    select
        seller_id,
        reserve_policy,
        valid_from,
        valid_to,
        is_by_people
    from timeline
    -- A flag that was lifted leaves what holds for everybody.
    where reserve_policy is not null and valid_from < valid_to

)

select * from final

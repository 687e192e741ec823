-- One row per review reason and version of what it does: what holds for windows that end from
-- valid_from on, before valid_to.

with

actions as (

    select * from {{ ref('review_actions') }}

),

final as (

    select
        review_reason,
        action,
        policy as reserve_policy,
        lift_after_weeks,
        valid_from,
        lead(valid_from, 1, 'infinity') over (partition by review_reason order by valid_from)
            as valid_to
    from actions

)

select * from final

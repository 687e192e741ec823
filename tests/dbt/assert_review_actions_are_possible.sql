-- Fails if a review reason does something else than hold or pay, if one that is paid names no
-- policy that is there then, or no weeks after which it is lifted, or if one that is held has any.

with

actions as (

    select * from {{ ref('review_actions') }}

),

policies as (

    select * from {{ ref('reserve_policies') }}

),

final as (

    select
        review_reason,
        valid_from
    from actions
    where
        review_reason not in ('disputes', 'spike', 'new_volume', 'score')
        or case action
            when 'hold' then policy is not null or lift_after_weeks is not null
            when 'pay'
                then
                    coalesce(lift_after_weeks, 0) < 1
                    or not exists (
                        select 1
                        from policies
                        where
                            policies.policy = actions.policy
                            and policies.valid_from <= actions.valid_from
                    )
            else true
        end

)

select * from final

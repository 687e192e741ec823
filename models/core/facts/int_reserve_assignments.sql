-- One row per seller and time under a reserve policy that two people put them under. Before the
-- first, and for everybody else, it is the policy named standard.

with

assignments as (

    select * from {{ ref('stg_finance__reserve_assignments') }}
    where approved_at is not null

),

final as (

    select
        seller_id,
        reserve_policy,
        approved_at as valid_from,
        lead(approved_at, 1, 'infinity') over (
            partition by seller_id order by approved_at, assignment_id
        ) as valid_to
    from assignments

)

select * from final

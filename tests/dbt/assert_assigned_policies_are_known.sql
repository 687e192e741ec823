-- Fails if people put a seller under a reserve policy that the seed does not have, or that was not
-- valid then: the seller's orders would be released as if nobody had decided. Live schemas alone,
-- as others may be tried with other policies.

with

assignments as (

    select * from {{ ref('int_reserve_assignments') }}

),

policies as (

    select * from {{ ref('int_reserve_policies') }}

),

final as (

    select
        assignments.seller_id,
        assignments.reserve_policy,
        assignments.valid_from
    from assignments
    where
        {{ not target.schema.startswith('asof_') }}
        and not exists (
            select 1
            from policies
            where
                policies.reserve_policy = assignments.reserve_policy
                and policies.valid_from <= assignments.valid_from
        )

)

select * from final

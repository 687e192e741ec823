-- One row per charge with an effect.

with

build as not materialized (

    select * from {{ ref('int_build') }}

),

charges as (

    select * from {{ ref('stg_marketplace__seller_charges') }}

),

sellers as (

    select * from {{ ref('int_sellers') }}

),

late as (

    {{ late_facts('seller_charges') }}

),

effective as (

    select
        charges.*,
        greatest(charges.known_at, sellers.created_at) as first_known_at
    from charges
    inner join sellers on charges.seller_id = sellers.seller_id
    where
        {{ opaque_to_planner(charge_defect('charges') ~ ' is null') }}
        and (
            charges.known_at >= (select build.known_from from build)
            or sellers.created_at >= (select build.known_from from build)
            or exists (
                select 1 from late
                where
                    late.seller_id = charges.seller_id
                    and late.source_id = charges.charge_id
            )
        )

),

posted as (

    select
        effective.*,
        {{ is_before_go_live('effective.first_known_at') }} as is_settled_elsewhere,
        {{ posted_at('effective.first_known_at') }} as posted_at
    from effective
    left join late
        on effective.seller_id = late.seller_id and effective.charge_id = late.source_id

),

final as (

    select
        seller_id,
        charge_id,
        charge_type,
        amount,
        {{ is_finer_than('amount', 2) }} as is_rounded,
        {{ settled('amount', '100') }} as amount_minor,
        charged_at,
        coalesce(posted_at, first_known_at) as known_at,
        posted_at,
        is_settled_elsewhere
    from posted
    where coalesce(posted_at, first_known_at) <= {{ as_of() }}

)

select * from final

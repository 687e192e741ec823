{{ config(materialized='table', indexes=[{'columns': ['seller_id'], 'unique': true}]) }}

-- One row per seller ever seen: as the source has them now; one that is gone from there as seen
-- last, and closed.

with

sellers as (

    select * from {{ ref('stg_marketplace__sellers') }}

),

versions as (

    select * from {{ ref('int_seller_versions') }}

),

first_versions as (

    select * from versions
    where version_number = 1

),

last_versions as (

    select distinct on (seller_id) *
    from versions
    order by seller_id asc, version_number desc

),

final as (

    select
        sellers.seller_id,
        sellers.display_name,
        sellers.region,
        sellers.wallet_address,
        sellers.seller_status,
        sellers.payout_schedule,
        sellers.payout_minimum,
        sellers.is_fast_settlement,
        sellers.is_payouts_enabled,
        coalesce(first_versions.created_at, sellers.created_at) as created_at,
        sellers.updated_at,
        coalesce(first_versions.seen_at, {{ as_of() }}) as first_seen_at
    from sellers
    left join first_versions on sellers.seller_id = first_versions.seller_id

    union all

    select
        last_versions.seller_id,
        last_versions.display_name,
        last_versions.region,
        last_versions.wallet_address,
        'closed' as seller_status,
        last_versions.payout_schedule,
        last_versions.payout_minimum,
        last_versions.is_fast_settlement,
        last_versions.is_payouts_enabled,
        first_versions.created_at,
        last_versions.updated_at,
        first_versions.seen_at as first_seen_at
    from last_versions
    inner join first_versions on last_versions.seller_id = first_versions.seller_id
    left join sellers on last_versions.seller_id = sellers.seller_id
    where sellers.seller_id is null

)

select * from final

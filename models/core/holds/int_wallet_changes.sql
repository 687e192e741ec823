-- One row per seller whose wallet changed: the latest change. A first wallet is not a change, and
-- another spelling of the same account neither.

with

sightings as (

    select * from {{ ref('stg_finance__wallet_sightings') }}
    where seen_at <= {{ as_of() }}

),

compared as (

    select
        seller_id,
        account,
        seen_at,
        -- An emptied wallet leaves no sighting: what comes after it is compared across the gap.
        lag(account) over (
            partition by seller_id order by sighting_id
        ) as previous_account
    from sightings

),

final as (

    select
        seller_id,
        max(seen_at) as changed_at
    from compared
    where previous_account <> account
    group by seller_id

)

select * from final

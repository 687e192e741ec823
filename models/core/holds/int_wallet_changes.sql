-- One row per seller whose wallet changed: the latest change that a build saw. A first wallet is no
-- change, nor is the first sighting of a seller.

with

versions as (

    select * from {{ ref('seller_versions') }}

),

compared as (

    select
        seller_id,
        wallet_address,
        dbt_valid_from,
        lag(wallet_address) over (
            partition by seller_id order by dbt_valid_from, dbt_scd_id
        ) as previous_address
    from versions
    -- An emptied wallet is a gap and not a wallet: what comes after it is compared across it.
    where wallet_address <> ''

),

final as (

    select
        seller_id,
        max(dbt_valid_from) as changed_at
    from compared
    where previous_address <> wallet_address
    group by seller_id

)

select * from final

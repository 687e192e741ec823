-- One row per seller: the wallet they name, and their status, at the instant this schema shows. A
-- seller seen first after it is as they were seen first.

with

accounts as (

    select * from {{ ref('int_seller_accounts') }}

),

-- A live schema shows sellers as the source has them.
versions as (

    select * from {{ ref('int_seller_versions') }}
    where
        {{ target.schema.startswith('asof_') }}
        and {{ as_of() }} >= valid_from
        and {{ as_of() }} < valid_to

),

final as (

    select
        accounts.seller_id,
        coalesce(versions.wallet_address, accounts.wallet_address) as wallet_address,
        coalesce(versions.seller_status, accounts.seller_status) as seller_status
    from accounts
    left join versions on accounts.seller_id = versions.seller_id

)

select * from final

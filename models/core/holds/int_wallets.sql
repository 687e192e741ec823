-- One row per seller: what the check of their wallet address found.

with

accounts as (

    select * from {{ ref('int_seller_accounts') }}

),

checks as (

    select * from {{ ref('stg_finance__wallet_checks') }}

),

changes as (

    select * from {{ ref('int_wallet_changes') }}

),

final as (

    select
        accounts.seller_id,
        accounts.wallet_address,
        checks.wallet_address is not null as is_checked,
        checks.address_format,
        coalesce(checks.is_valid, false) as is_valid,
        checks.detail,
        count(*) over (partition by accounts.wallet_address) > 1 as is_shared,
        changes.changed_at
    from accounts
    left join checks on accounts.wallet_address = checks.wallet_address
    left join changes on accounts.seller_id = changes.seller_id

)

select * from final

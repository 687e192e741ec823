-- One row per seller: what the check of their wallet address found.

with

accounts as (

    select * from {{ ref('int_seller_wallets') }}

),

checks as (

    select * from {{ ref('int_wallet_checks__as_of') }}

),

unpayable as (

    select
        finance.wallet_account(wallet_address) as wallet_account,
        min(what) as what
    from {{ ref('unpayable_wallets') }}
    group by finance.wallet_account(wallet_address)

),

shared as (

    select * from {{ ref('int_wallets__shared') }}

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
        coalesce(checks.is_payable and unpayable.wallet_account is null, false) as is_payable,
        coalesce(checks.is_checksummed, false) as is_checksummed,
        coalesce(
            'looks like ' || checks.address_format || ', is ' || unpayable.what, checks.detail
        ) as detail,
        shared.seller_id is not null as is_shared,
        changes.changed_at
    from accounts
    left join checks on accounts.wallet_address = checks.wallet_address
    left join unpayable on checks.account = unpayable.wallet_account
    left join shared on accounts.seller_id = shared.seller_id
    left join changes on accounts.seller_id = changes.seller_id

)

select * from final

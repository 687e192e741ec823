-- One row per seller whose account somebody else named first: by finance.wallet_sightings, which no
-- rebuild loses. The first keeps being paid. A seller that is closed or never had an entry holds
-- nobody, or whoever names a wallet in an empty shop would stop its owner's payouts.

with

accounts as (

    select * from {{ ref('int_seller_wallets') }}

),

entries as (

    select * from {{ ref('int_entries') }}

),

stored as (

    select * from {{ ref('stg_finance__window_close_entries') }}
    where {{ var('use_stored_closes') }}

),

named as (

    select
        seller_id,
        account,
        min(sighting_id) as sighting_id
    from {{ ref('stg_finance__wallet_sightings') }}
    where seen_at <= {{ as_of() }}
    group by seller_id, account

),

named_earlier as (

    select
        accounts.seller_id,
        owners.seller_id as owner_id
    from accounts
    inner join named as mine
        on
            accounts.seller_id = mine.seller_id
            and finance.wallet_account(accounts.wallet_address) = mine.account
    inner join named as earlier
        on mine.account = earlier.account and mine.sighting_id > earlier.sighting_id
    inner join accounts as owners
        on earlier.seller_id = owners.seller_id and owners.seller_status <> 'closed'

),

final as (

    select distinct seller_id
    from named_earlier
    where
        exists (
            select 1 from entries
            where entries.seller_id = named_earlier.owner_id
        )
        or exists (
            select 1 from stored
            where stored.seller_id = named_earlier.owner_id
        )

)

select * from final

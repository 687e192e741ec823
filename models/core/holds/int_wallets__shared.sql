-- One row per seller whose account somebody else named first: by finance.wallet_sightings, which no
-- rebuild loses. The first keeps being paid. A seller that is closed or never had an entry holds
-- nobody, or whoever names a wallet in an empty shop would stop its owner's payouts.

with

accounts as (

    select * from {{ ref('int_seller_wallets') }}

),

entries as not materialized (

    select seller_id from {{ ref('int_entries') }}

),

stored as not materialized (

    select seller_id from {{ ref('stg_finance__window_close_entries') }}
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

owners as {{ brought_here() }} (

    select distinct owner_id as seller_id from named_earlier

),

-- Owners are few. The order has each looked up by its key, where a join would read all that was
-- ever stored, and a cluster would bring it to its coordinator.
traded as {{ brought_here() }} (

    select owners.seller_id
    from owners
    inner join lateral (
        select entries.seller_id from entries
        where entries.seller_id = owners.seller_id
        order by entries.seller_id
    ) as found on true

    union

    select owners.seller_id
    from owners
    inner join lateral (
        select stored.seller_id from stored
        where stored.seller_id = owners.seller_id
        order by stored.seller_id
    ) as found on true

),

final as (

    select distinct named_earlier.seller_id
    from named_earlier
    inner join traded on named_earlier.owner_id = traded.seller_id

)

select * from final

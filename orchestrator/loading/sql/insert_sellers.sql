-- Stores the newest row of each seller, and counts what became of every row.
with newest as (
    select distinct on (seller_id) *
    from pg_temp.load_sellers_kept
    order by seller_id asc, updated_at desc
),

inserted as (
    insert into marketplace.sellers (
        seller_id,
        display_name,
        region,
        fast_settlement,
        wallet_address,
        status,
        payouts_enabled,
        created_at,
        updated_at,
        payout_schedule,
        payout_minimum
    )
    select
        newest.seller_id,
        newest.display_name,
        newest.region,
        newest.fast_settlement,
        newest.wallet_address,
        newest.status,
        newest.payouts_enabled,
        newest.created_at,
        newest.updated_at,
        newest.payout_schedule,
        newest.payout_minimum
    from newest
    left join marketplace.sellers as known
        on newest.seller_id = known.seller_id
    where known.seller_id is null
    returning seller_id
),

replaced as (
    update marketplace.sellers as known
    set
        display_name = newest.display_name,
        region = newest.region,
        fast_settlement = newest.fast_settlement,
        wallet_address = newest.wallet_address,
        status = newest.status,
        payouts_enabled = newest.payouts_enabled,
        created_at = newest.created_at,
        updated_at = newest.updated_at,
        payout_schedule = newest.payout_schedule,
        payout_minimum = newest.payout_minimum
    from newest
    where
        known.seller_id = newest.seller_id
        and known.updated_at < newest.updated_at
    returning known.seller_id
),

-- All parts of this statement see the sellers as they were before it.
ignored as (
    select loaded.line_number
    from pg_temp.load_sellers_typed as loaded
    inner join newest on loaded.seller_id = newest.seller_id
    left join marketplace.sellers as known
        on loaded.seller_id = known.seller_id
    where loaded.updated_at < greatest(newest.updated_at, known.updated_at)
)

select
    (select count(*) from inserted) as inserted,
    (select count(*) from replaced) as replaced,
    (select count(*) from ignored) as ignored

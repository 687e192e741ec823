-- The wallets that are blocked, latest first, and who names the account now, however it is spelled.
select
    b.wallet_address as wallet,
    n.sellers,
    b.note,
    b.blocked_by,
    b.blocked_at
from finance.wallet_blocks as b
cross join lateral (
    select string_agg(s.seller_id, ', ' order by s.seller_id) as sellers
    from (
        select distinct g.seller_id from finance.wallet_sightings as g
        where g.account = b.account
    ) as s
    inner join settlement.seller_accounts as a on s.seller_id = a.seller_id
    where finance.wallet_account(a.wallet_address) = b.account
) as n
where b.lifted_at is null
order by b.block_id desc
limit %(limit)s

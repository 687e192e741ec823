-- Sellers by id or by a part of their name; the id itself first.
select
    a.seller_id as seller,
    a.display_name as name,
    a.region,
    a.rail,
    a.seller_status as status,
    a.payouts_enabled
from settlement.seller_accounts as a
where a.seller_id = %(text)s or strpos(lower(a.display_name), lower(%(text)s)) > 0
order by a.seller_id <> %(text)s, a.display_name, a.seller_id
limit %(limit)s

-- Whose rows are whose, as the caller's file has it; answers what names two sellers.
with named as (
    insert into pg_temp.import_sellers (seller_key, seller_id, reason)
    select named.seller_key, coalesce(named.seller_id, ''), nullif(named.reason, '')
    from jsonb_to_recordset(%s::jsonb) as named (seller_key text, seller_id text, reason text)
    returning seller_key, seller_id
)

select
    pg_temp.load_shown(named.seller_key) || ' is the key of several sellers; keep one row' as fault
from named
group by named.seller_key
having count(*) > 1
limit 1

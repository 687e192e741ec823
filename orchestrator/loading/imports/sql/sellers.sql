-- Whose each part is: whom the file of sellers names for it, the whole key before the longest
-- beginning; without such a file, who the key is. A part without a key is its order's seller's.
update pg_temp.import_parts as parts
set
    seller_id = nullif(named.seller_id, ''),
    kind = case when named.seller_id <> '' then parts.kind end,
    is_nobodys = named.seller_id = '',
    reason = case when named.seller_id = '' then coalesce(named.reason, 'no seller''s') end
from (
    select distinct on (keys.seller_key)
        keys.seller_key,
        named.seller_id,
        named.reason
    from (
        select distinct seller_key from pg_temp.import_parts where kind is not null
    ) as keys
    inner join pg_temp.import_sellers as named
        on
            keys.seller_key = named.seller_key
            or (
                right(named.seller_key, 1) = '*'
                and starts_with(keys.seller_key, rtrim(named.seller_key, '*'))
            )
    order by
        keys.seller_key asc,
        keys.seller_key = named.seller_key desc,
        length(named.seller_key) desc
) as named
where parts.kind is not null and parts.seller_key = named.seller_key;

update pg_temp.import_parts
set seller_id = seller_key
where kind is not null and seller_id is null and not {has_sellers_file};

create temporary table import_order_sellers on commit drop as
select
    order_id,
    min(seller_id) as seller_id,
    count(distinct seller_id) as seller_count,
    min(nobodys_reason) as nobodys_reason
from (
    select
        order_id,
        seller_id,
        case when is_nobodys then reason end as nobodys_reason
    from pg_temp.import_parts
    where seller_id is not null or is_nobodys
    union all
    select stored.order_id, stored.seller_id, null as nobodys_reason
    from {orders_table} as stored
    where
        stored.order_id in (
            select parts.order_id from pg_temp.import_parts as parts
            where parts.kind is not null
        )
) as known
where order_id is not null
group by order_id;

update pg_temp.import_parts as parts
set
    seller_id = known.seller_id,
    kind = case when known.seller_count = 1 then parts.kind end,
    reason = known.nobodys_reason
from pg_temp.import_order_sellers as known
where
    parts.order_id = known.order_id
    and parts.kind is not null
    and parts.seller_id is null
    and parts.seller_key is null
    and (
        (known.seller_count = 1 and known.nobodys_reason is null)
        or (known.seller_count = 0 and known.nobodys_reason is not null)
    );

insert into pg_temp.load_problems
select distinct
    -1,
    parts.row_number,
    2,
    'seller',
    case
        when parts.seller_id is not null
            then pg_temp.load_shown(parts.seller_id)
            || ' is a seller that nobody knows; load the seller first, or map the key with --sellers'
        when parts.seller_key is not null
            then pg_temp.load_shown(parts.seller_key)
            || ' is not in the file of sellers; add it, with an empty seller_id if no seller''s'
        when known.seller_count > 1 or known.nobodys_reason is not null
            then 'order ' || pg_temp.load_shown(parts.order_id)
            || ' has several sellers and the row names none; say --seller-from'
        else
            'the row names none, and its order is not known; say --seller-from COLUMN, or load the'
            ' order first'
    end
from pg_temp.import_parts as parts
left join pg_temp.import_order_sellers as known using (order_id)
left join {sellers_table} as sellers on parts.seller_id = sellers.seller_id
where parts.kind is not null and sellers.seller_id is null;

insert into pg_temp.load_problems
select distinct
    -1,
    parts.row_number,
    3,
    'currency',
    coalesce(pg_temp.load_shown(parts.currency), 'nothing') || ' is not '
    || {settlement_currency} || ', in which sellers are settled, and the report has no rate;'
    ' load its orders from your own tables, with a rate each'
from pg_temp.import_parts as parts
where
    parts.kind is not null
    and (
        parts.currency is distinct from {settlement_currency}
        or (parts.fact_currency <> {settlement_currency} and parts.exchange_rate is null)
    )

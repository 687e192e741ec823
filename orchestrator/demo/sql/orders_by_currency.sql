-- How many orders there are in each currency, the most first.
select
    o.currency,
    count(*) as order_count
from {orders} as o
group by o.currency
order by order_count desc, o.currency

-- The sellers that the rail named when it rejected the latest batch of a window, and what would be paid
-- without them: one row, none where it named nobody or a newer window has closed.
with refused as materialized (
    select
        r.seller_id as seller,
        finance.decimal_amount(r.amount_minor) as amount,
        r.reason
    from finance.refused_sellers(%(window)s) as r
    order by r.seller_id
)

select
    p.digest,
    p.currency,
    p.line_count,
    finance.decimal_amount(p.total_minor) as total,
    (select json_agg(r) from refused as r) as sellers
from finance.rest_of_refused(%(window)s) as p
where p.digest is not null and %(window)s = finance.latest_closed_window()

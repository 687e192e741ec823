-- The sellers of a window by where they stand now.
select
    s.status,
    count(*) as sellers,
    sum(s.net) as amount
from settlement.seller_settlement as s
where s.payout_window = %(window)s
group by s.status
order by s.status

-- What is held now and why, by the first reason that applies.
select
    h.hold_reasons[1] as reason,
    count(*) as sellers,
    (sum(h.net_minor) / 100)::numeric(20, 2) as amount
from finance.current_holds(%(window)s) as h
where cardinality(h.hold_reasons) > 0
group by h.hold_reasons[1]
order by finance.hold_rank(h.hold_reasons[1])

-- What the rail's balances must hold before the batch can go, by currency; beside it what is in
-- lines of earlier batches that have no outcome yet and may still leave the same balance.
with needed as (
    select
        h.rail,
        h.rail_currency,
        count(*) as lines,
        sum(h.net_minor) as minor
    from finance.current_holds(%(window)s) as h
    where cardinality(h.hold_reasons) = 0
    group by h.rail, h.rail_currency
),

in_transit as (
    select
        l.rail_currency,
        sum(l.amount_minor) as minor
    from finance.payout_lines as l
    where l.state in ('frozen', 'submitted')
    group by l.rail_currency
)

select
    n.rail,
    n.rail_currency as currency,
    n.lines,
    (n.minor / 100)::numeric(20, 2) as needed,
    (coalesce(t.minor, 0) / 100)::numeric(20, 2) as in_transit
from needed as n
left join in_transit as t on n.rail_currency = t.rail_currency
order by n.rail, n.rail_currency

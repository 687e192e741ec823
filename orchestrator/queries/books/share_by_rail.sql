-- What could be paid at the close, by rail, in percent of all.
with rails as (
    select
        w.rail,
        w.row_count as lines,
        w.net_minor as minor
    from finance.window_close_sums as w
    where w.payout_window = %(window)s and not w.is_held
)

select
    r.rail,
    coalesce(round(100 * r.minor / nullif(sum(r.minor) over (), 0), 1), 0) as first_pct,
    0 as second_pct,
    r.lines,
    finance.decimal_amount(r.minor) as to_pay
from rails as r
order by r.rail

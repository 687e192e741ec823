-- The lines of a window's latest batch by rail and state.
select
    l.rail,
    l.state,
    count(*) as lines,
    finance.decimal_amount(sum(l.amount_minor)) as amount
from finance.payout_lines as l
where l.batch_id = (
    select max(b.batch_id) from finance.payout_batches as b where b.payout_window = %(window)s
)
group by l.rail, l.state
order by l.rail, l.state

-- The lines of a window's runs by rail and state.
select
    b.run,
    l.rail,
    l.state,
    count(*) as lines,
    finance.decimal_amount(sum(l.amount_minor)) as amount
from finance.payout_runs(%(window)s) as b
inner join finance.payout_lines as l on b.batch_id = l.batch_id
group by b.run, l.rail, l.state
order by b.run, l.rail, l.state

-- Lines without a certain outcome, by window and state.
select
    l.payout_window,
    l.state,
    count(*) as lines,
    finance.decimal_amount(sum(l.amount_minor)) as amount
from finance.payout_lines as l
where l.state in ('frozen', 'submitted', 'failed') and l.returned_at is null
group by l.payout_window, l.state
order by min(l.frozen_at), l.state

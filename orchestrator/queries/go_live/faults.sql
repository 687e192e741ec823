-- What is wrong with the old system's rows, by file and line: %(rows)s is an array of {payout_window,
-- line, seller_id, amount}, as the files have them.
select
    r.payout_window,
    r.line,
    case
        when coalesce(r.seller_id, '') = '' then 'seller_id: is empty; every row needs one'
        else 'amount: is not an amount of at most two decimals; write it like 12.50 or -3.00'
    end as fault
from jsonb_to_recordset(%(rows)s::jsonb)
    as r (payout_window text, line bigint, seller_id text, amount text)
where
    coalesce(r.seller_id, '') = ''
    or coalesce(r.amount, '') !~ '^-?[0-9]{1,12}([.][0-9]{1,2})?$'
order by r.payout_window, r.line

-- Every row that nothing holds is paid when it is due, and arrives.
insert into {staging}.stg_finance__payout_lines (
    line_id, seller_id, payout_window, rail, wallet_address, line_state, amount_minor, frozen_at,
    outcome_at
)
select
    r.payout_window || '/' || r.seller_id, r.seller_id, r.payout_window, r.rail, r.wallet_address,
    'completed', r.net_minor, c.payout_due_at, c.payout_due_at
from {staging}.stg_finance__window_close_rows as r
inner join {staging}.stg_finance__window_closes as c
    on r.payout_window = c.payout_window
where r.payout_window = %(window)s and cardinality(r.hold_reasons) = 0

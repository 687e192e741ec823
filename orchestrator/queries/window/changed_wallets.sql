-- Lines of the current run that nothing holds, to another wallet than the one that their seller was
-- last paid to.
with earlier as materialized (
    select l.seller_id
    from finance.payout_runs(%(window)s) as b
    inner join finance.payout_lines as l on b.batch_id = l.batch_id
    where b.run < finance.current_run(%(window)s) and l.state <> 'rejected'
)

select
    h.seller_id as seller,
    h.rail,
    finance.decimal_amount(h.net_minor) as net,
    p.wallet_address as paid_last,
    h.wallet_address as pays_now
from finance.current_holds(%(window)s) as h
cross join lateral (
    select l.wallet_address
    from finance.payout_lines as l
    where
        l.seller_id = h.seller_id
        and l.state = 'completed'
        and l.payout_window < %(window)s
    order by l.payout_window desc, l.line_id desc
    limit 1
) as p
where
    cardinality(h.hold_reasons) = 0
    and h.wallet_address <> p.wallet_address
    and h.seller_id not in (select e.seller_id from earlier as e)
order by h.net_minor desc, h.seller_id
limit %(limit)s

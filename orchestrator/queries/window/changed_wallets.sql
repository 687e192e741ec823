-- Lines of the current run that nothing holds, to another wallet than the one that their seller was last paid to.
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
    and not exists (
        select from finance.payout_lines as l
        inner join finance.payout_batches as b on l.batch_id = b.batch_id
        where
            l.payout_window = %(window)s
            and l.seller_id = h.seller_id
            and b.state <> 'rejected'
            and b.run < (select finance.current_run(%(window)s))
    )
order by h.net_minor desc, h.seller_id
limit %(limit)s

-- Lines of the current run that nothing holds, to another wallet than the one that their seller was
-- last paid to.
with now as materialized (
    select finance.current_run(%(window)s) as run
),

earlier as materialized (
    select l.seller_id
    from finance.payout_runs(%(window)s) as b
    inner join now as n on b.run < n.run
    inner join finance.payout_lines as l on b.batch_id = l.batch_id
    where l.state <> 'rejected'
),

-- Most were last paid in the latest window before this one, which is read at once.
before as materialized (
    select
        l.seller_id,
        l.wallet_address
    from finance.payout_lines as l
    where
        l.payout_window = (
            select max(b.payout_window) from finance.payout_batches as b
            where b.payout_window < %(window)s
        )
        and l.state = 'completed'
)

select
    h.seller_id as seller,
    h.rail,
    finance.decimal_amount(h.net_minor) as net,
    p.wallet_address as paid_last,
    h.wallet_address as pays_now
from finance.current_holds(%(window)s) as h
left join before as b on h.seller_id = b.seller_id
cross join lateral (
    select
        coalesce(b.wallet_address, (
            select l.wallet_address
            from finance.payout_lines as l
            where
                l.seller_id = h.seller_id
                and l.state = 'completed'
                and l.payout_window < %(window)s
            order by l.payout_window desc  -- a seller has one such line in a window
            limit 1
        )) as wallet_address
) as p
where
    cardinality(h.hold_reasons) = 0
    and h.wallet_address <> p.wallet_address
    and h.seller_id not in (select e.seller_id from earlier as e)
order by h.net_minor desc, h.seller_id
limit %(limit)s

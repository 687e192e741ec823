-- The liability to sellers, window by window, the latest first; with %(window)s that one alone.
select
    r.period as window,
    r.opening_balance as opening,
    r.orders,
    r.fees,
    r.taxes,
    r.refunds,
    r.disputes,
    r.charges,
    r.adjustments,
    r.opening_balances as from_go_live,
    r.sent,
    r.came_back,
    r.completed_after_all,
    r.closing_balance as closing,
    r.closing_in_transit as in_transit,
    r.absorbed_disputes
from settlement.liability_rollforward as r
where r.period_type = 'window' and coalesce(r.period = %(window)s, true)
order by r.starts_at desc
limit %(limit)s

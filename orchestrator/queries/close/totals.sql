-- What a stored close comes to: one row. Money in the settlement currency; new is what became
-- available in the window, without what was carried in.
with closes as (
    select
        c.payout_window,
        c.currency,
        c.window_starts_at,
        c.payout_due_at,
        c.settlement_timezone,
        c.closed_at,
        c.absorbed_disputes_minor
    from finance.window_closes as c
    where c.window_starts_at <= (
        select t.window_starts_at from finance.window_closes as t
        where t.payout_window = %(window)s
    )
    order by c.window_starts_at desc
    limit 5
),

news as (
    select
        w.payout_window,
        sum(w.row_count)::bigint as seller_count,
        sum(w.order_count)::bigint as order_count,
        sum(w.net_minor - w.carried_forward_minor) as new_minor,
        sum(w.carried_forward_minor) as carried_minor
    from finance.window_close_sums as w
    where w.payout_window in (select c.payout_window from closes as c)
    group by w.payout_window
),

dated as (
    select
        c.*,
        coalesce(n.seller_count, 0) as seller_count,
        coalesce(n.order_count, 0) as order_count,
        coalesce(n.new_minor, 0) as new_minor,
        coalesce(n.carried_minor, 0) as carried_minor,
        lag(coalesce(n.new_minor, 0)) over (order by c.window_starts_at) as last_minor,
        avg(coalesce(n.new_minor, 0)) over (
            order by c.window_starts_at rows between 4 preceding and 1 preceding
        ) as mean_minor
    from closes as c
    left join news as n on c.payout_window = n.payout_window
),

flags as (
    select
        count(*) filter (where h.needs_review) as flagged_count,
        count(*) as health_count
    from finance.window_close_health as h
    where h.payout_window = %(window)s
),

-- What came after the close that it belonged to, and counts in this window instead.
posted as (
    select count(*) as fact_count
    from finance.window_close_facts as f
    where
        f.payout_window = %(window)s
        and f.posted_at = (
            select c.window_starts_at from closes as c where c.payout_window = %(window)s
        )
),

made_of as (
    select
        coalesce(sum(r.gross_minor), 0) as gross_minor,
        coalesce(sum(r.fees_minor), 0) as fees_minor,
        coalesce(sum(r.taxes_minor), 0) as taxes_minor,
        coalesce(sum(r.refunds_minor), 0) as refunds_minor,
        coalesce(sum(r.disputes_minor), 0) as disputes_minor,
        coalesce(sum(r.charges_minor), 0) as charges_minor,
        coalesce(sum(r.adjustments_minor), 0) as adjustments_minor
    from finance.window_close_rows as r
    where r.payout_window = %(window)s
),

opening as (
    select coalesce(sum(o.amount_minor), 0) as opening_minor
    from finance.go_lives as g
    inner join finance.opening_balances as o on g.go_live_id = o.go_live_id
    where g.approved_at is not null and g.payout_window = %(window)s
)

select
    d.payout_window,
    d.currency,
    d.seller_count,
    d.order_count,
    d.closed_at,
    to_char(d.payout_due_at at time zone d.settlement_timezone, 'YYYY-MM-DD HH24:MI ')
    || d.settlement_timezone as payout_due,
    finance.decimal_amount(d.new_minor) as new,
    finance.decimal_amount(d.last_minor) as new_last_week,
    finance.decimal_amount(d.new_minor - d.last_minor) as change_on_last_week,
    round(100 * (d.new_minor - d.last_minor) / nullif(abs(d.last_minor), 0), 1)
        as change_on_last_week_pct,
    finance.decimal_amount(d.mean_minor) as mean_of_4_weeks,
    round(100 * (d.new_minor - d.mean_minor) / nullif(abs(d.mean_minor), 0), 1)
        as change_on_mean_pct,
    finance.decimal_amount(m.gross_minor) as gross,
    finance.decimal_amount(m.fees_minor) as fees,
    finance.decimal_amount(m.taxes_minor) as taxes,
    finance.decimal_amount(m.refunds_minor) as refunds,
    finance.decimal_amount(m.disputes_minor) as disputes,
    finance.decimal_amount(m.charges_minor) as charges,
    finance.decimal_amount(m.adjustments_minor) as adjustments,
    finance.decimal_amount(d.carried_minor) as carried_forward,
    finance.decimal_amount(d.absorbed_disputes_minor) as absorbed_disputes,
    finance.decimal_amount(o.opening_minor) as opening_balances,
    p.fact_count as posted_late,
    f.flagged_count,
    f.health_count,
    round(100.0 * f.flagged_count / nullif(f.health_count, 0), 2) as flagged_pct,
    d.new_minor::bigint as new_cents
from dated as d
cross join flags as f
cross join posted as p
cross join made_of as m
cross join opening as o
where d.payout_window = %(window)s

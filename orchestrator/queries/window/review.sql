-- The figures of one window, as one JSON document: what is not in window/positions.sql, whose approvals it
-- is handed. Money is text with two decimals in the settlement currency.
with window_rows as (
    select
        s.*,
        a.display_name
    from settlement.seller_settlement as s
    left join settlement.seller_accounts as a on s.seller_id = a.seller_id
    where s.payout_window = %(window)s
),

batch as (
    select
        b.batch_id,
        b.state
    from finance.payout_batches as b
    where b.payout_window = %(window)s and b.run = %(run)s and b.state <> 'rejected'
),

-- Of the current run: what is frozen, else what nothing holds.
lines as (
    select
        r.rail,
        r.net
    from window_rows as r
    left join finance.payout_lines as l
        on r.seller_id = l.seller_id and l.payout_window = %(window)s and l.state <> 'rejected'
    where
        case
            when exists (select from batch) then l.batch_id = (select b.batch_id from batch as b)
            else r.status = 'ready'
        end
),

by_rail as (
    select
        rail,
        count(*) as line_count,
        sum(net) as total
    from lines
    group by rail
),

holds as (
    select
        s.hold_reason as reason,
        k.hold_rank,
        count(*) as seller_count,
        sum(s.net) as total
    from window_rows as s
    left join finance.hold_reasons as k on s.hold_reason = k.reason
    where s.hold_reason is not null
    group by s.hold_reason, k.hold_rank
),

flagged as (
    select
        h.seller_id,
        h.health_score,
        h.trailing_30d_gross,
        h.trailing_30d_disputes,
        h.review_reasons,
        r.net,
        r.status
    from finance.window_close_health as h
    left join window_rows as r on h.seller_id = r.seller_id
    where h.payout_window = %(window)s and h.needs_review
),

summary as (
    select
        s.*,
        lag(s.net - s.carried_forward) over (order by s.window_starts_at) as last_new
    from settlement.window_summary as s
),

exceptions as (
    select
        reason,
        count(*) as row_count,
        count(*) filter (where is_without_effect) as without_effect
    from settlement.data_exceptions
    where reason <> 'posted_late'
    group by reason
),

-- What came after the close that it belonged to, and counts in this window instead. A close has it;
-- before, the build.
posted as (
    select
        case
            when w.is_stored then coalesce(f.fact_count, 0)
            else (
                select count(*) from settlement.data_exceptions as e
                where
                    e.reason = 'posted_late'
                    and e.known_at >= w.window_starts_at
                    and e.known_at < w.window_ends_at
            )
        end as fact_count
    from summary as w
    left join (
        select
            c.posted_at,
            count(*) as fact_count
        from finance.window_close_facts as c
        where c.payout_window = %(window)s
        group by c.posted_at
    ) as f on w.window_starts_at = f.posted_at
    where w.payout_window = %(window)s
),

opening as (
    select finance.money(coalesce(sum(o.amount_minor), 0)) as total
    from finance.go_lives as g
    inner join finance.opening_balances as o on g.go_live_id = o.go_live_id
    where g.approved_at is not null and g.payout_window = %(window)s
)

select json_build_object(
    'payout_window', w.payout_window,
    'run', %(run)s::integer,
    'state', case
        when not (w.window_ends_at <= settle_now()) then 'open'
        when exists (select from batch) then (select b.state from batch as b)
        when not w.is_stored then 'closed'
        when cardinality(%(covering)s::bigint []) > 0 then 'approved'
        else 'stored'
    end,
    'payout_due_at', w.payout_due_at,
    'by_rail', coalesce((
        select json_agg(json_build_object(
            'rail', r.rail, 'line_count', r.line_count, 'total', r.total::text
        ) order by r.rail) from by_rail as r
    ), '[]'),
    'holds', coalesce((
        select json_agg(json_build_object(
            'reason', h.reason, 'seller_count', h.seller_count, 'total', h.total::text
        ) order by h.hold_rank) from holds as h
    ), '[]'),
    'new', (w.net - w.carried_forward)::text,
    'new_last_week', w.last_new::text,
    'new_by_type', json_build_object(
        'gross', w.gross::text, 'fees', w.fees::text, 'taxes', w.taxes::text,
        'refunds', w.refunds::text, 'disputes', w.disputes::text, 'charges', w.charges::text,
        'adjustments', w.adjustments::text
    ),
    'carried_forward', w.carried_forward::text,
    'opening_balances', (select o.total from opening as o),
    'posted_late', (select p.fact_count from posted as p),
    'absorbed_disputes', w.absorbed_disputes::text,
    'flagged_share', w.flagged_share::text,
    'flagged', coalesce((
        select json_agg(json_build_object(
            'seller_id', f.seller_id, 'health_score', f.health_score::text,
            'trailing_30d_gross', f.trailing_30d_gross::text,
            'trailing_30d_disputes', f.trailing_30d_disputes::text,
            'review_reasons', f.review_reasons, 'net', f.net::text, 'status', f.status
        ) order by f.net desc nulls last, f.seller_id) from flagged as f
    ), '[]'),
    'exceptions', coalesce((
        select json_agg(json_build_object(
            'reason', e.reason, 'count', e.row_count, 'without_effect', e.without_effect
        ) order by e.reason)
        from exceptions as e
    ), '[]')
) as review
from summary as w
where w.payout_window = %(window)s

-- Who is held in a stored window or was flagged at its close, for one reason or all, with the figures
-- that a person decides by, beside those of the window before. `reason` is one of
-- finance.hold_reasons, or: releasable (what a person may release), flagged (at the close, held now or
-- not), all (whatever holds).
with held as materialized (
    select h.* from finance.held_sellers(%(window)s) as h
),

before as materialized (
    select c.payout_window from finance.window_closes as c
    where c.window_starts_at < (
        select t.window_starts_at from finance.window_closes as t
        where t.payout_window = %(window)s
    )
    order by c.window_starts_at desc
    limit 1
),

listed as materialized (
    select h.seller_id from held as h
    where
        %(reason)s = 'all'
        or (%(reason)s = 'releasable' and h.is_releasable)
        or h.held_for = %(reason)s
    union
    select f.seller_id from finance.window_close_health as f
    where f.payout_window = %(window)s and f.needs_review and %(reason)s = 'flagged'
),

health as (
    select
        h.payout_window = %(window)s as is_now,
        h.seller_id,
        array_to_string(h.review_reasons, ', ') as flagged_for,
        h.health_score as score,
        h.dispute_rate,
        h.refund_rate,
        h.spike_ratio,
        h.trailing_30d_gross as gross_30d,
        h.trailing_30d_disputes as disputes_30d
    from listed as l
    inner join finance.window_close_health as h
        on
            l.seller_id = h.seller_id
            and h.payout_window in (%(window)s, (select b.payout_window from before as b))
),

stored as (
    select
        r.payout_window = %(window)s as is_now,
        r.seller_id,
        r.net_minor,
        r.net_minor - r.carried_forward_minor as new_minor,
        r.hold_detail
    from listed as l
    inner join finance.window_close_rows as r
        on
            l.seller_id = r.seller_id
            and r.payout_window in (%(window)s, (select b.payout_window from before as b))
)

select
    l.seller_id as seller,
    h.held_for,
    array_to_string(h.hold_reasons[2:], ', ') as also_held_for,
    coalesce(h.is_releasable, false) as is_releasable,
    p.note as hold_note,
    p.held_by,
    p.hold_id,
    p.hold_id is not null as is_held_by_person,
    s.state as line_state,
    h.wallet_now,
    r.hold_detail,
    finance.decimal_amount(r.net_minor) as net,
    finance.decimal_amount(r.new_minor) as new,
    finance.decimal_amount(q.new_minor) as new_before,
    f.flagged_for,
    f.score,
    b.score as score_before,
    round(100 * f.dispute_rate, 1) as disputes_pct,
    round(100 * b.dispute_rate, 1) as disputes_pct_before,
    round(100 * f.refund_rate, 1) as refunds_pct,
    round(100 * b.refund_rate, 1) as refunds_pct_before,
    round(f.spike_ratio, 1) as spike,
    round(b.spike_ratio, 1) as spike_before,
    f.gross_30d,
    b.gross_30d as gross_30d_before,
    f.disputes_30d,
    b.disputes_30d as disputes_30d_before
from listed as l
left join held as h on l.seller_id = h.seller_id
left join stored as r on l.seller_id = r.seller_id and r.is_now
left join stored as q on l.seller_id = q.seller_id and not q.is_now
left join health as f on l.seller_id = f.seller_id and f.is_now
left join health as b on l.seller_id = b.seller_id and not b.is_now
left join finance.seller_holds as p on l.seller_id = p.seller_id and p.lifted_at is null
left join finance.payout_lines as s
    on l.seller_id = s.seller_id and s.payout_window = %(window)s and s.state <> 'rejected'
order by
    case %(sort)s
        when 'net' then -r.net_minor
        when 'change' then coalesce(q.new_minor, 0) - r.new_minor
        when 'score' then f.score
        when 'disputes' then -f.dispute_rate
        when 'refunds' then -f.refund_rate
        when 'spike' then -f.spike_ratio
    end nulls last,
    l.seller_id collate "C"
limit %(limit)s

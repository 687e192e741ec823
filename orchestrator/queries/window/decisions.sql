-- What people decided about one window, as one JSON document; window/positions.sql has its current run and
-- the approvals that cover that now.
with approvals as (
    select
        a.*,
        a.approval_id = any(%(covering)s::bigint []) as is_current
    from finance.approvals as a
    where a.payout_window = %(window)s
),

-- Of a window whose amounts have moved on nobody asks any more.
failed_checks as (
    select f.*
    from settlement.windows as w
    cross join lateral finance.failed_checks(w.payout_window) as f
    where
        w.payout_window = %(window)s
        and w.window_ends_at <= settle_now()
        and (w.payout_window = finance.latest_closed_window() or not w.is_stored)
)

select json_build_object(
    'approvals', coalesce((
        select json_agg(json_build_object(
            'approved_by', a.approved_by, 'approved_at', a.approved_at, 'digest', a.digest,
            'is_current', a.is_current
        ) order by a.approval_id)
        from approvals as a where a.revoked_at is null and a.run = %(run)s
    ), '[]'),
    'approval_history', coalesce((
        select json_agg(json_build_object(
            'run', a.run, 'approved_by', a.approved_by, 'approved_at', a.approved_at,
            'digest', a.digest, 'line_count', a.line_count, 'total', finance.money(a.total_minor),
            'revoked_by', a.revoked_by, 'revoked_at', a.revoked_at, 'is_current', a.is_current
        ) order by a.approval_id)
        from approvals as a
    ), '[]'),
    'releases', coalesce((
        select json_agg(json_build_object(
            'seller_id', r.seller_id, 'reason', r.reason, 'released_by', r.released_by,
            'released_at', r.released_at, 'note', r.note
        ) order by r.release_id)
        from finance.hold_releases as r where r.payout_window = %(window)s
    ), '[]'),
    'failed_checks', coalesce((
        select json_agg(json_build_object(
            'check_name', f.check_name, 'detail', f.detail, 'accepted_by', f.accepted_by
        ) order by f.check_name)
        from failed_checks as f
    ), '[]'),
    'pause', finance.pause_message()
) as review

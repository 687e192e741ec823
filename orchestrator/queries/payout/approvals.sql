-- Who approved what of a window, and what became of the approval.
select
    a.approved_by,
    a.approved_at,
    a.line_count as lines,
    finance.decimal_amount(a.total_minor) as total,
    a.digest,
    case
        when a.revoked_at is not null then 'revoked'
        when b.batch_id is not null then 'in batch ' || b.batch_id
        when c.approval_id is not null then 'covers all that is ready'
        else 'does not cover what is ready now'
    end as state
from finance.approvals as a
left join finance.batch_approvals as b on a.approval_id = b.approval_id
left join finance.covering_approvals(%(window)s) as c on a.approval_id = c.approval_id
where a.payout_window = %(window)s
order by a.approval_id

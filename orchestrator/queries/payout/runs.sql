-- The runs of a window that were frozen, first to last: the latest batch of each, and what came
-- of it.
select
    b.run,
    b.state,
    b.line_count as lines,
    finance.decimal_amount(b.total_minor) as total,
    count(*) filter (where l.state = 'completed') as paid,
    count(*) filter (where l.state = 'failed') as failed,
    (
        select string_agg(a.approved_by, ', ' order by a.approved_by)
        from finance.batch_approvals as u
        inner join finance.approvals as a on u.approval_id = a.approval_id
        where u.batch_id = b.batch_id
    ) as approved_by,
    b.frozen_at
from finance.payout_runs(%(window)s) as b
left join finance.payout_lines as l on b.batch_id = l.batch_id
group by b.batch_id, b.run, b.state, b.line_count, b.total_minor, b.frozen_at
order by b.run

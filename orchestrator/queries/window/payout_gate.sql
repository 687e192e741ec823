-- What the approval sensor decides by, in one row. A batch that was frozen and has no certain answer
-- comes first, whatever its window: the weeks go on while a rail is away.
with unfinished as (
    select
        b.batch_id,
        b.payout_window,
        b.state,
        b.state_note
    from finance.payout_batches as b
    where b.state in ('frozen', 'submitting', 'unknown')
    order by b.batch_id
    limit 1
),

latest as (
    select
        b.batch_id,
        b.state,
        b.state_note
    from finance.payout_batches as b
    where b.payout_window = %(window)s
    order by b.attempt desc
    limit 1
),

-- An approval pays once: what the rail rejected waits for people who look at it again.
fresh as (
    select max(a.approval_id) as approval_id
    from finance.approvals as a
    where
        a.payout_window = %(window)s
        and a.run = finance.current_run(%(window)s)
        and a.revoked_at is null
        and not exists (
            select from finance.batch_approvals as u where u.approval_id = a.approval_id
        )
)

select
    u.batch_id as unfinished_batch,
    u.payout_window as unfinished_window,
    u.state as unfinished_state,
    u.state_note as unfinished_note,
    finance.pause_message() as pause,
    f.approval_id,
    case
        when l.state = 'rejected' and f.approval_id is null then l.batch_id
    end as rejected_batch,
    l.state_note as rejected_note,
    array(select o.obstacle from finance.payout_obstacles(%(window)s) as o (obstacle))
        as obstacles
from fresh as f
left join latest as l on true
left join unfinished as u on true

-- What the approval sensor decides by, in one row. Batches that were frozen and have no certain
-- answer come first, whatever their window: the weeks go on while a rail is away.
with unfinished as (
    select
        coalesce(jsonb_agg(jsonb_build_object(
            'batch_id', b.batch_id, 'window', b.payout_window,
            'state', b.state, 'note', b.state_note
        ) order by b.batch_id), '[]') as batches
    from finance.payout_batches as b
    where b.state in ('frozen', 'submitting', 'unknown')
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
    u.batches as unfinished,
    finance.pause_message() as pause,
    f.approval_id,
    case
        when l.state = 'rejected' and f.approval_id is null then l.batch_id
    end as rejected_batch,
    l.state_note as rejected_note,
    array(select o.obstacle from finance.payout_obstacles(%(window)s) as o (obstacle))
        as obstacles
from fresh as f
cross join unfinished as u
left join latest as l on true

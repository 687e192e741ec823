-- What came of one window's payout, as one JSON document: all its runs; of the current one the
-- latest batch, its calls and outcomes so far and what the freeze left out; and the open breaks.
with batch as (
    select b.*
    from finance.payout_runs(%(window)s) as b
    where b.run = %(run)s
),

calls as (
    select
        c.*,
        (
            select count(*) from finance.call_attempts as a
            where a.batch_id = c.batch_id and a.sequence = c.sequence
        ) as tries
    from finance.payout_calls as c
    inner join batch as b on c.batch_id = b.batch_id
),

outcomes as (
    select
        l.state,
        count(*) as line_count,
        sum(l.amount_minor) as total_minor,
        count(l.returned_at) as came_back
    from finance.payout_lines as l
    inner join batch as b on l.batch_id = b.batch_id
    group by l.state
),

-- A break names a line, its payout, or a call.
subjects as (
    select unnest(array[l.line_id, l.payout_id, l.batch_id || '/' || l.call_sequence]) as subject
    from finance.payout_lines as l where l.payout_window = %(window)s
)

select json_build_object(
    'runs', coalesce((
        select json_agg(json_build_object(
            'run', r.run, 'batch_id', r.batch_id, 'state', r.state, 'line_count', r.line_count,
            'total', finance.money(r.total_minor), 'digest', r.digest, 'frozen_at', r.frozen_at
        ) order by r.run)
        from finance.payout_runs(%(window)s) as r
    ), '[]'),
    'batch', (
        select json_build_object(
            'batch_id', b.batch_id, 'run', b.run, 'attempt', b.attempt, 'state', b.state,
            'note', b.state_note,
            'line_count', b.line_count, 'total', finance.money(b.total_minor),
            'frozen_by', b.frozen_by, 'frozen_at', b.frozen_at, 'answered_at', b.answered_at,
            'calls', (
                select json_agg(json_build_object(
                    'sequence', c.sequence, 'state', c.state, 'line_count', c.line_count,
                    'tries', c.tries, 'rail_batch_id', c.rail_batch_id
                ) order by c.sequence) from calls as c
            ),
            'outcomes', (
                select json_agg(json_build_object(
                    'state', o.state, 'line_count', o.line_count,
                    'total', finance.money(o.total_minor), 'came_back', o.came_back
                ) order by o.state) from outcomes as o
            )
        )
        from batch as b
    ),
    'left_out', coalesce((
        select json_agg(json_build_object(
            'seller_id', x.seller_id, 'net', finance.money(x.net_minor), 'reason', x.hold_reason
        ) order by x.seller_id collate "C")
        from finance.batch_left_out as x
        inner join batch as b on x.batch_id = b.batch_id
    ), '[]'),
    'breaks', coalesce((
        select json_agg(json_build_object(
            'break_id', k.break_id, 'kind', k.kind, 'subject', k.subject, 'detail', k.detail,
            'opened_at', k.opened_at
        ) order by k.opened_at, k.break_id)
        from finance.breaks as k
        where k.closed_at is null and k.subject in (select s.subject from subjects as s)
    ), '[]')
) as review

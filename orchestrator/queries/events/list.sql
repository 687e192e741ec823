-- Events with where they stand, newest first; each parameter that is not null leaves out the others.
select
    e.event_id,
    e.event_type,
    e.seller_id,
    e.sequence,
    e.payout_window,
    e.data,
    e.recorded_at,
    s.state,
    d.attempts,
    d.posted_at,
    coalesce(d.last_problem, '') as last_problem
from finance.events as e
inner join finance.event_deliveries as d on e.event_number = d.event_number
cross join lateral (
    select case
        when d.posted_at is not null then 'posted'
        when d.given_up_at is not null then 'given_up'
        else 'waiting'
    end as state
) as s
where
    (%(ids)s::text[] is null or e.event_id = any(%(ids)s::text[]))
    and (%(seller)s::text is null or e.seller_id = %(seller)s)
    and (%(window)s::text is null or e.payout_window = %(window)s)
    and (%(state)s::text is null or s.state = %(state)s)
order by e.event_number desc
limit %(most)s

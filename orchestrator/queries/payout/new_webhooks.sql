-- The webhooks since the cursor: one row, without a last_id where there is none.
with news as (
    select
        e.webhook_event_id,
        coalesce(e.event_type, 'unreadable') as event_type,
        l.payout_window
    from halfin.webhook_events as e
    left join finance.payout_lines as l on e.payout_id = l.payout_id
    where e.webhook_event_id > %(cursor)s
),

types as (
    select
        n.event_type,
        count(*) as event_count
    from news as n
    group by n.event_type
)

select
    (select max(n.webhook_event_id) from news as n) as last_id,
    (select count(*) from news) as new_events,
    (select count(*) from halfin.webhook_events) as all_events,
    (
        select string_agg(t.event_type || ' ' || t.event_count, ', ' order by t.event_type)
        from types as t
    ) as by_type,
    array(
        select distinct n.payout_window from news as n where n.payout_window is not null order by 1
    ) as windows

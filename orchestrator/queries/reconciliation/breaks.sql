-- Where our books and the rail's differ: the open ones, oldest first; with %(all)s the closed ones too.
select
    b.break_id,
    b.kind,
    b.subject,
    b.detail,
    case when b.closed_at is null then 'open' else 'closed' end as state,
    to_char(
        justify_hours(coalesce(b.closed_at, settle_now()) - b.opened_at), 'FMDD "d" FMHH24 "h"'
    ) as age,
    floor(
        extract(epoch from coalesce(b.closed_at, settle_now()) - b.opened_at) / 3600
    )::bigint as age_hours,
    b.opened_at,
    b.closed_at,
    b.closed_by,
    b.close_note
from finance.breaks as b
where %(all)s or b.closed_at is null
order by b.closed_at is not null, b.opened_at, b.break_id

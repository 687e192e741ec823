-- The latest alerts, newest first.
select
    a.alert_id,
    a.raised_at,
    a.kind,
    a.subject,
    a.message,
    a.posted_at
from finance.alerts as a
order by a.alert_id desc
limit 50

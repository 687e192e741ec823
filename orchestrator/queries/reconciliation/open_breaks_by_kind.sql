-- Open breaks by kind, with the age of the oldest.
select
    b.kind,
    count(*) as breaks,
    min(b.opened_at) as oldest,
    (settle_now() - min(b.opened_at))::text as age
from finance.breaks as b
where b.closed_at is null
group by b.kind
order by b.kind

select
    count(*) as row_count,
    round(extract(epoch from (select public.settle_now()) - max({recorded_at})) / 86400, 1) as days
from pg_temp.{typed}

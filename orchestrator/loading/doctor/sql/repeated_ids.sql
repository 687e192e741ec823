select count(*) as row_count, min(repeated.id) as example
from (
    select {id} as id
    from pg_temp.{typed}
    group by {key}
    having count(*) > 1
) as repeated
having count(*) > 0

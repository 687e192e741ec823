-- Stores what was generated.
insert into marketplace.{table} ({columns})
select {columns}
from pg_temp.{generated}
order by {id}

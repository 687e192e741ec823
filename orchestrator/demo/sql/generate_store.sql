-- Stores what was generated, in the order in which it was: orders and their fees by number.
insert into marketplace.{table} ({columns})
select {columns}
from pg_temp.{generated}

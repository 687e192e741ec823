-- Stores the facts that are left: the new ones.
insert into marketplace.{table} ({columns})
select {values}
from pg_temp.{kept}

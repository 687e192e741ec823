-- Stores the facts that are new.
insert into marketplace.{table} ({columns})
select {values}
from pg_temp.{kept} as loaded
where not exists (
    select from marketplace.{table} as known
    where
        known.seller_id = loaded.seller_id
        and known.{id} = loaded.{id}
)

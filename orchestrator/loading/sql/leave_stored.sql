-- What is stored already is not stored again. Before the insert: beside it, the table that grows
-- would be read for each row.
delete from pg_temp.{kept} as loaded
using pg_temp.{stored} as known
where known.seller_id = loaded.seller_id and known.{id} = loaded.{id}

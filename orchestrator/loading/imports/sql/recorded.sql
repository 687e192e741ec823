-- Before the first close nothing was decided without these rows, and a history that is known from
-- today on would be owed in the first week: it counts as recorded when it happened. After a close
-- rows are recorded when they come, as in every load.
update pg_temp.{staged}
set recorded_at = {happened}
where not exists (select from finance.window_closes)

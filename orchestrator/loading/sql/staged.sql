-- What could not be read at all is the first problem of its row.
analyze pg_temp.{staged};
insert into pg_temp.load_problems
select {file_number}, line_number, 0, null, fault
from pg_temp.{staged}
where fault is not null

-- Finds the rows that repeat a key of their file with other content. Of the
-- rows of a key the first that gives every value is the one to keep.
create temporary table {kept} on commit drop as
select distinct on ({key}) *
from pg_temp.{typed}
order by {key}, {last} is null, line_number;
analyze pg_temp.{kept};

insert into pg_temp.load_problems
select
    {file_number},
    loaded.line_number,
    1,
    {id_name},
    pg_temp.load_shown(loaded.{id})
    || ' is on line ' || other.line_number || ' with another '
    || pg_temp.load_differences(to_jsonb(loaded), to_jsonb(other))
    || {advice}
from pg_temp.{typed} as loaded
inner join pg_temp.{kept} as other using ({key})
where
    loaded.line_number <> other.line_number
    and ({content}) is distinct from ({other_content})

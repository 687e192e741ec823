-- Finds the rows that repeat a fact, or a version of a seller, with other
-- content. Of equal rows the first that gives every value is the one to keep.
create temporary table {kept} on commit drop as
select distinct on ({version}) *
from pg_temp.{typed}
order by {version}, {last} is null, line_number;
analyze pg_temp.{kept};

insert into pg_temp.load_problems
select
    {file_number},
    loaded.line_number,
    1,
    {id_name},
    pg_temp.load_shown(loaded.{id})
    || ' is on line ' || pg_temp.load_line(other.line_number) || ' with another '
    || pg_temp.load_differences(to_jsonb(loaded), to_jsonb(other))
    || {advice}
from pg_temp.{typed} as loaded
inner join pg_temp.{kept} as other using ({version})
where
    loaded.line_number <> other.line_number
    and ({content}) is distinct from ({other_content})

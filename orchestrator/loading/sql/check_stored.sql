-- Finds the facts, and versions of sellers, that are stored with other content. What is stored of
-- them is fetched first: on a cluster it is on other machines than the rows of the file.
create temporary table {stored} on commit drop as
select other.* from marketplace.{table} as other
where ({version}) in (select {version} from pg_temp.{typed});
analyze pg_temp.{stored};

insert into pg_temp.load_problems
select
    {file_number},
    loaded.line_number,
    1,
    {id_name},
    pg_temp.load_shown(loaded.{id})
    || ' is stored with another '
    || pg_temp.load_differences(to_jsonb(loaded), to_jsonb(other))
    || {advice}
from pg_temp.{typed} as loaded
inner join pg_temp.{stored} as other using ({version})
where ({content}) is distinct from ({other_content})

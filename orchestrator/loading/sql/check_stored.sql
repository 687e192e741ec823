-- Finds the facts, and versions of sellers, that are stored with other content.
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
inner join marketplace.{table} as other using ({version})
where ({content}) is distinct from ({other_content})

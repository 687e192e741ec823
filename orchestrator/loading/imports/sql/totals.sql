-- What the report says it comes to must be what its rows come to; and it must say so.
insert into pg_temp.import_totals (file_number, what, expected, found)
select file_number, what, expected, coalesce(found, 0)
from ({totals}) as totals;

insert into pg_temp.load_problems
select
    -1,
    coalesce(file_number, 0) * {lines_per_file},
    0,
    null,
    what || ': the report says ' || expected || ', and its rows come to ' || found
    || '; export it again, whole'
from pg_temp.import_totals
where expected <> found
union all
select
    -1,
    files.file_number * {lines_per_file},
    0,
    null,
    'has no total to compare its rows with; export it again, whole'
from generate_series(0, {file_count} - 1) as files (file_number)
where
    not exists (
        select from pg_temp.import_totals as totals
        where totals.file_number is null or totals.file_number = files.file_number
    )

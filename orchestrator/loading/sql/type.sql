-- The rows of a file without a problem, in the types of their table.
create temporary table {typed} on commit drop as
select
    staged.line_number,
    {values}
from pg_temp.{staged} as staged
where
    staged.fault is null
    and not exists (
        select from pg_temp.load_problems as problems
        where
            problems.file_number = {file_number}
            and problems.line_number = staged.line_number
    );
analyze pg_temp.{typed}

-- What is wrong with values, each kind of fault once.
select
    faults.column_name,
    faults.fault,
    count(*) as row_count,
    min(faults.line_number) as first_line,
    (array_agg(faults.shown order by faults.line_number))[1] as shown
from (
    select
        line_number,
        column_name,
        substring(problem from '^(''.*'') (?:is|has|was) ') as shown,
        regexp_replace(problem, '^''.*'' (is|has|was) ', '\1 ') as fault
    from pg_temp.load_problems
    where file_number = {file_number}
) as faults
group by faults.column_name, faults.fault
order by first_line, faults.column_name

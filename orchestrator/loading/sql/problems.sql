-- One line per bad row, in the order of the files: its first bad column, and
-- the names of the others. Problems of a whole row or header stand alone.
with problems as (
    select
        *,
        min(column_number) over (
            partition by file_number, line_number
        ) as first_column
    from pg_temp.load_problems
),

bad_rows as (
    select
        file_number,
        line_number,
        min(column_name) filter (
            where column_number = first_column
        ) as column_name,
        min(problem) filter (where column_number = first_column) as problem,
        string_agg(distinct column_name, ', ') filter (
            where column_number > first_column
        ) as also_bad
    from problems
    group by
        file_number,
        line_number,
        case when column_number = 0 then problem end
)

select
    file_number,
    line_number,
    concat_ws(
        '; ',
        concat_ws(': ', column_name, problem),
        'also bad: ' || also_bad
    ) as line,
    count(*) over () as problem_count
from bad_rows
order by file_number, line_number, line
limit {max_lines}

-- Finds the values of one column that are not what it holds.
insert into pg_temp.load_problems
select
    -1,
    plain.row_number,
    {column_number},
    {heading},
    case
        when coalesce(staged.{column}, '') = '' then 'is empty; every row needs one'
        else pg_temp.load_shown(staged.{column}) || ' ' || substr(plain.{column}, 2)
    end
from pg_temp.{plain} as plain
inner join pg_temp.{staged} as staged using (row_number)
where plain.{column} ~ '^!' or (not {may_be_empty} and coalesce(plain.{column}, '') = '')

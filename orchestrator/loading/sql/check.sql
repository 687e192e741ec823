-- Finds the values of one column that its kind refuses, with what to do.
insert into pg_temp.load_problems
select
    {file_number},
    line_number,
    {column_number},
    {column_name},
    case
        when value = '' then 'is empty' || substr(fault, strpos(fault, ';'))
        else pg_temp.load_shown(value) || ' ' || fault
    end
from (
    select
        line_number,
        {column} as value,
        case case when not ({may_be_empty} and coalesce({column}, '') = '') then {kind} end
            when 'name' then pg_temp.load_name_fault({column})
            when 'amount' then pg_temp.load_amount_fault({column})
            when 'minimum' then
                coalesce(
                    pg_temp.load_amount_fault({column}),
                    case when {column} ~ '^-' then 'is below 0; fix it' end
                )
            when 'instant' then pg_temp.load_instant_fault({column})
            when 'flag' then pg_temp.load_flag_fault({column})
            when 'status' then
                case
                    when {column} not in ('active', 'suspended', 'closed')
                        then 'is not a status; use active, suspended or closed'
                end
            when 'schedule' then
                case
                    when {column} not in ('weekly', 'monthly', 'paused')
                        then 'is not a schedule; use weekly, monthly or paused'
                end
        end as fault
    from pg_temp.{staged}
    where fault is null
) as checked
where fault is not null

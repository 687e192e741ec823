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
        case {kind}
            when 'name' then pg_temp.load_name_fault({column})
            when 'amount' then pg_temp.load_amount_fault({column})
            when 'positive amount' then
                coalesce(
                    pg_temp.load_amount_fault({column}),
                    case
                        when {column} ~ '^-' or {column} !~ '[1-9]'
                            then 'is not above 0; fix it or leave the row out'
                    end
                )
            when 'instant' then pg_temp.load_instant_fault({column})
            when 'recorded' then
                case
                    when {column} <> ''
                        then pg_temp.load_instant_fault({column})
                end
            when 'flag' then pg_temp.load_flag_fault({column})
            when 'flag or true' then
                case when {column} <> '' then pg_temp.load_flag_fault({column}) end
            when 'status' then
                case
                    when {column} not in ('active', 'suspended', 'closed')
                        then 'is no status; use active, suspended or closed'
                end
            when 'event type' then
                case
                    when {column} not in ('opened', 'won', 'lost')
                        then 'is no event type; use opened, won or lost'
                end
        end as fault
    from pg_temp.{staged}
    where fault is null
) as checked
where fault is not null

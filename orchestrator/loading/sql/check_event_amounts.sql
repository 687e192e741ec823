-- Finds the dispute events that lack the amount they tell of.
insert into pg_temp.load_problems
select
    {file_number},
    line_number,
    {column_number},
    'amount',
    'is empty; an event that is ' || event_type || ' needs one'
from pg_temp.{staged}
where
    fault is null
    and amount = ''
    and event_type in ('opened', 'won', 'lost')

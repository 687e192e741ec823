-- Finds the facts of sellers that nobody has named. A seller whose own row was
-- refused counts as named: one fault, one line.
insert into pg_temp.load_problems
select
    {file_number},
    facts.line_number,
    {column_number},
    'seller_id',
    pg_temp.load_shown(facts.seller_id)
    || ' is neither in sellers.csv nor in the database; load the seller first'
from pg_temp.{staged} as facts
where
    facts.fault is null
    and pg_temp.load_name_fault(facts.seller_id) is null
    and not exists (
        select from pg_temp.load_sellers_staged as sellers
        where sellers.seller_id = facts.seller_id
    )
    and not exists (
        select from marketplace.sellers as known
        where known.seller_id = facts.seller_id
    )
    -- Where rows of sellers.csv could not be read, any seller may be in them.
    and not exists (
        select from pg_temp.load_sellers_staged as sellers
        where sellers.fault is not null
    )

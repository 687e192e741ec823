-- Finds the facts that are stored as another seller's: whoever imports a report again with other
-- sellers would have each counted twice. Of an order of several sellers each part is in the report.
create temporary table import_elsewhere on commit drop as
select
    stored.seller_id,
    stored.{id} as fact_id,
    stored.{amount} as amount,
    stored.{happened} as happened_at
from marketplace.{table} as stored
where stored.{id} in (select staged.{id} from pg_temp.{staged} as staged);

insert into pg_temp.load_problems
select distinct
    -1,
    staged.line_number,
    2,
    'seller',
    pg_temp.load_shown(staged.{id}) || ' is stored with this amount and instant for seller '
    || pg_temp.load_shown(elsewhere.seller_id) || ', and would count twice; name the sellers as the'
    ' import before did, and correct a wrong one with adjustments'
from pg_temp.{staged} as staged
inner join pg_temp.import_elsewhere as elsewhere
    on
        staged.{id} = elsewhere.fact_id
        and staged.seller_id <> elsewhere.seller_id
        and staged.{amount}::numeric = elsewhere.amount
        and staged.{happened}::timestamptz = elsewhere.happened_at
where
    not exists (
        select from pg_temp.{staged} as mine
        where mine.{id} = elsewhere.fact_id and mine.seller_id = elsewhere.seller_id
    );

drop table pg_temp.import_elsewhere

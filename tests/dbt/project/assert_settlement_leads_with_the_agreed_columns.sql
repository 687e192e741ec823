-- Fails if the settlement view does not begin with the eight columns its readers agreed on, in
-- their order, under the unsuffixed name and under the latest version's.

with

agreed as (

    select *
    from unnest(array[
        'seller_id', 'payout_window', 'gross', 'fees', 'refunds', 'net', 'rail', 'status'
    ]) with ordinality as agreed (column_name, ordinal_position)

),

relations as (

    select * from (
        values ('seller_settlement'), ('{{ ref("seller_settlement").identifier }}')
    ) as relations (table_name)

),

found as (

    select
        table_name::text as table_name,
        column_name::text as column_name,
        ordinal_position
    from information_schema.columns
    where table_schema = '{{ target.schema }}'

)

select
    relations.table_name,
    agreed.ordinal_position,
    agreed.column_name
from relations
cross join agreed
left join found
    on
        relations.table_name = found.table_name
        and agreed.column_name = found.column_name
        and agreed.ordinal_position = found.ordinal_position
where found.table_name is null

-- A close asks of entries only whether a seller had one by then: the first of each tells.
create unlogged table {core}.int_entries__first as
select distinct on (e.seller_id) e.*
from {core}.int_entries__all as e
order by e.seller_id, e.known_at, e.source_id, e.entry_type;
create or replace view {core}.int_entries as
select * from {core}.int_entries__first as e
where e.known_at <= (select finance.as_of({schema}))

-- A close asks of entries only whether a seller had one by then: the first ones of each tell.
create unlogged table {core}.int_entries__first as
select e.*
from {core}.int_entries__all as e
inner join (
    select
        f.seller_id,
        min(f.known_at) as known_at
    from {core}.int_entries__all as f
    group by f.seller_id
) as firsts on e.seller_id = firsts.seller_id and e.known_at = firsts.known_at;
create or replace view {core}.int_entries as
select * from {core}.int_entries__first as e
where e.known_at <= (select finance.as_of({schema}));
-- Of the sums it reads its own window's and the next one's.
create index on {core}.int_window_sums__all (window_starts_at)

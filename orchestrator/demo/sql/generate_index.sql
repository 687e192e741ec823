-- The indexes and keys that generate_unindex took away.
do $$
declare
    dropped record;
begin
    for dropped in select * from pg_temp.generate_indexes order by definition loop
        execute dropped.definition;
    end loop;
end;
$$;
drop table pg_temp.generate_indexes;

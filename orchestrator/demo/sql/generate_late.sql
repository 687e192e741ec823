-- Moves the rows that are to come late, by the thousand, out of what was generated.
with taken as (
    delete from pg_temp.{generated}
    where
        pg_temp.generate_draw(
            sha256(({seed} || '/late/' || seller_id || '/' || {id})::bytea), 0, 1000
        ) < {per_mille}
    returning *
)

insert into pg_temp.{late}
select * from taken

-- Whether the table holds what was generated and nothing else, but for rows that come late.
select not exists (
    (
        select {columns} from pg_temp.{generated}
        except all
        select {columns} from marketplace.{table}
    )
    union all
    (
        select {columns} from marketplace.{table}
        except all
        (
            select {columns} from pg_temp.{generated}
            union all
            select {columns} from pg_temp.{late}
        )
    )
)

-- Whether the table holds what was generated, nothing else and nothing less.
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
        select {columns} from pg_temp.{generated}
    )
)

with imported as (
    insert into finance.imports (format, file_name, file_sha256, row_count, options)
    values (%(format)s, %(file_name)s, %(sha256)s, %(row_count)s, %(options)s)
    returning import_id
)

insert into finance.import_totals (
    import_id, row_type, becomes, reason, currency, part_count, amount
)
select imported.import_id, t.row_type, t.becomes, t.reason, t.currency, t.part_count, t.amount
from imported
cross join jsonb_to_recordset(%(totals)s) as t (
    row_type text, becomes text, reason text, currency text, part_count bigint, amount numeric
)

-- Whether who asks may read the books; the instant beside it says how old an answer is.
select
    settle_now() as as_of,
    has_table_privilege('settlement.liability_rollforward', 'select')
    and has_table_privilege('settlement.journal_entries', 'select')
    and has_table_privilege('settlement.balance_ageing', 'select') as may_read

-- The months of the books, the latest first, and whether a close yet to come can change each, as
-- books/journal.sql has it.
select
    r.period as month,
    r.ends_at > coalesce(
        (select max(c.window_ends_at) from finance.window_closes as c), '-infinity'
    ) as can_change
from settlement.liability_rollforward as r
where r.period_type = 'month'
order by r.starts_at desc
limit %(limit)s

-- The checks of one window as of the last build, and who has accepted those that failed.
with checks as (
    select c.* from handover.window_checks as c where c.payout_window = %(window)s
)

select
    coalesce(c.check_name, f.check_name) as check_name,
    case
        when c.is_passed then 'passed'
        when not c.is_blocking then 'noted'
        when cardinality(f.accepted_by) >= 2 then 'accepted'
        else 'failed'
    end as state,
    coalesce(c.detail, f.detail) as detail,
    coalesce(f.accepted_by, '{}') as accepted_by
from checks as c
full join finance.failed_checks(%(window)s) as f on c.check_name = f.check_name
where exists (select from settlement.windows as w where w.payout_window = %(window)s)
order by c.is_passed is true, 1

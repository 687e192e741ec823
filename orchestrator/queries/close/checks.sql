-- The data checks of a window as the last build has them, with who has accepted which failure.
select
    c.check_name,
    c.is_blocking,
    c.is_passed,
    c.detail,
    coalesce(f.accepted_by, '{}') as accepted_by
from settlement.window_checks as c
left join finance.failed_checks(%(window)s) as f on c.check_name = f.check_name
where c.payout_window = %(window)s
order by c.check_name

insert into {seeds}.reserve_policies (
    policy, valid_from, reserve_days, holdback_percent, holdback_days
)
values (
    %(policy)s, %(valid_from)s, %(reserve_days)s, %(holdback_percent)s, %(holdback_days)s
)

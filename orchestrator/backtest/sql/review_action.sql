insert into {seeds}.review_actions (
    review_reason, valid_from, action, policy, lift_after_weeks
)
values (
    %(review_reason)s, %(valid_from)s, %(action)s, %(policy)s, %(lift_after_weeks)s
)

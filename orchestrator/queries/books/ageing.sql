-- Held and negative balances by age.
select
    a.balance_kind as kind,
    a.age,
    count(*) as sellers,
    sum(a.balance) as amount
from settlement.balance_ageing as a
group by a.balance_kind, a.age
order by a.balance_kind, min(a.weeks_carried)

-- One row per limit on a line that holds now, as a decimal.
select
    l.name,
    l.rail,
    finance.money(finance.policy(l.name, l.rail))::text as amount
from (
    select distinct
        p.name,
        p.rail
    from finance.policies as p
    where p.name in ('maximum_line', 'minimum_line')
) as l
order by l.name, l.rail

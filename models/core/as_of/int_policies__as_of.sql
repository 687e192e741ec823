-- Confirmed by the instant of the build; the newest of a name and rail is in force.

select distinct on (policy_name, rail)
    policy_id,
    policy_name,
    rail,
    amount_minor,
    confirmed_at,
    withdrawn_at
from {{ ref('stg_finance__policies') }}
where confirmed_at <= {{ as_of() }}
order by policy_name asc, rail asc, confirmed_at desc, policy_id desc

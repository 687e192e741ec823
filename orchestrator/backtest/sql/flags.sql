select
    f.seller_id,
    f.reserve_policy,
    f.applies_from
from {staging}.stg_finance__flag_assignments as f
order by f.seller_id, f.applies_from

-- The policies under which a seller can be put, as the last build had them.
select p.policy from handover.reserve_policies as p order by p.policy

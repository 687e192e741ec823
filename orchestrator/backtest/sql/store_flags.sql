-- As finance.store_flag_assignments stores what flags change, at the close's own instant; and what
-- later closes read of this one's health.
with build as (
    select b.as_of from {core}.int_build as b
),

decided as (
    select distinct on (a.seller_id)
        a.seller_id,
        a.reserve_policy,
        a.approved_at
    from {staging}.stg_finance__reserve_assignments as a
    where a.approved_at <= (select build.as_of from build)
    order by a.seller_id, a.approved_at desc
),

flags as (
    select distinct on (f.seller_id)
        f.seller_id,
        f.reserve_policy,
        f.applies_from
    from {staging}.stg_finance__flag_assignments as f
    order by f.seller_id, f.applies_from desc
),

asked as (
    select p.seller_id, p.reserve_policy, p.review_reasons
    from {core}.int_flag_policies as p
    where p.payout_window = %(window)s
),

health as (
    insert into {staging}.stg_finance__window_close_health (
        seller_id, payout_window, review_reasons, needs_review
    )
    select h.seller_id, h.payout_window, h.review_reasons, h.needs_review
    from {core}.int_seller_health as h
    where h.payout_window = %(window)s and h.needs_review
)

insert into {staging}.stg_finance__flag_assignments (
    seller_id, payout_window, reserve_policy, review_reasons, applies_from
)
select
    coalesce(a.seller_id, f.seller_id),
    %(window)s,
    a.reserve_policy,
    coalesce(a.review_reasons, array[]::text[]),
    b.as_of
from asked as a
full join flags as f on a.seller_id = f.seller_id
left join decided as d on coalesce(a.seller_id, f.seller_id) = d.seller_id
cross join build as b
where finance.is_flag_change(
    a.reserve_policy, f.reserve_policy, f.applies_from, d.reserve_policy, d.approved_at, b.as_of
)

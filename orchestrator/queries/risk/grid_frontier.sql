-- The policies of a grid, least losses first: each with its totals by measure. It is on the frontier
-- where no other loses less without keeping more from sellers.
with policies as (
    select
        p.policy,
        t.measures,
        (t.measures ->> 'losses')::numeric as losses,
        (t.measures ->> 'kept_money_days')::numeric as kept
    from jsonb_to_recordset(%(totals)s::jsonb) as p (policy text, totals jsonb)
    cross join lateral (
        select jsonb_object_agg(m.value ->> 'measure', (m.value ->> 'tried')::numeric) as measures
        from jsonb_array_elements(p.totals) as m
    ) as t
)

select
    jsonb_build_object(
        'policy', p.policy,
        'is_on_frontier', not exists (
            select from policies as o
            where
                o.losses <= p.losses
                and o.kept <= p.kept
                and (o.losses < p.losses or o.kept < p.kept)
        )
    ) || p.measures as measured
from policies as p
order by p.losses, p.kept, p.policy collate "C"

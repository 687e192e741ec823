-- What the old system paid beside what is computed here, week by week, with what explains each
-- difference. {settlement} is the schema of a build; %(rows)s the old system's payouts, checked:
-- an array of payout_window, line, seller_id and amount. %(has_carried)s takes what was carried in as
-- part of the week. One JSON document a week; money is text with two decimals.
with old as (
    select
        r.payout_window,
        r.seller_id,
        sum(r.amount::numeric) as amount
    from jsonb_to_recordset(%(rows)s::jsonb)
        as r (payout_window text, seller_id text, amount text)
    group by r.payout_window, r.seller_id
),

weeks as (
    select
        w.payout_window,
        w.window_starts_at,
        w.window_ends_at
    from {settlement}.windows as w
    where w.payout_window in (select o.payout_window from old as o)
),

ours as (
    select
        s.payout_window,
        s.seller_id,
        s.net - case when %(has_carried)s then 0 else s.carried_forward end as amount,
        s.carried_forward,
        s.hold_reason
    from {settlement}.seller_settlement as s
    inner join weeks as w on s.payout_window = w.payout_window
),

compared as (
    select
        payout_window,
        seller_id,
        o.amount as old_amount,
        n.amount as our_amount,
        n.hold_reason,
        n.carried_forward,
        coalesce(n.amount, 0) - coalesce(o.amount, 0) as difference
    from old as o
    full join ours as n using (payout_window, seller_id)
    where n.amount is distinct from 0 or o.amount is not null
),

-- Of who differs: what became available in the week, or in the ones beside it.
near as (
    select
        c.payout_window,
        c.seller_id,
        c.difference,
        e.entry_type,
        e.source_id,
        finance.decimal_amount(e.amount_minor) as amount,
        case
            when e.available_at < w.window_starts_at then 'before'
            when e.available_at < w.window_ends_at then 'in'
            else 'after'
        end as place
    from compared as c
    inner join weeks as w on c.payout_window = w.payout_window
    inner join {settlement}.entries as e
        on
            c.seller_id = e.seller_id
            and e.available_at >= w.window_starts_at - interval '7 days'
            and e.available_at < w.window_ends_at + interval '7 days'
    where c.difference <> 0
),

-- One entry, or all of a kind, that is the difference to the cent; which of several is no matter.
explained as (
    select
        n.payout_window,
        n.seller_id,
        min(n.entry_type || ' ' || n.source_id) filter (
            where n.place = 'in' and n.amount = n.difference
        ) as left_out,
        min(n.entry_type || ' ' || n.source_id) filter (
            where n.place = 'before' and n.amount = -n.difference
        ) as paid_late,
        min(n.entry_type || ' ' || n.source_id) filter (
            where n.place = 'after' and n.amount = -n.difference
        ) as paid_early
    from near as n
    group by n.payout_window, n.seller_id
),

kinds as (
    select
        k.payout_window,
        k.seller_id,
        min(k.entry_type) as entry_type
    from (
        select
            n.payout_window,
            n.seller_id,
            n.entry_type
        from near as n
        where n.place = 'in'
        group by n.payout_window, n.seller_id, n.entry_type, n.difference
        having sum(n.amount) = n.difference
    ) as k
    group by k.payout_window, k.seller_id
),

judged as (
    select
        c.*,
        case
            when c.difference = 0 then null
            when e.left_out is not null then 'the old system left out ' || e.left_out
            when e.paid_early is not null then 'the old system paid ' || e.paid_early || ' a week early'
            when e.paid_late is not null then 'the old system paid ' || e.paid_late || ' a week late'
            when k.entry_type is not null then 'the old system left out every ' || k.entry_type
            when %(has_carried)s and c.carried_forward = c.difference
                then 'the opening balance: it was not in that payout'
            when c.old_amount is null and c.our_amount < 0 then 'a debt, which is carried forward'
            when c.old_amount is null then 'the old system paid nothing'
        end as explanation
    from compared as c
    left join explained as e
        on c.payout_window = e.payout_window and c.seller_id = e.seller_id
    left join kinds as k
        on c.payout_window = k.payout_window and c.seller_id = k.seller_id
)

select json_build_object(
    'payout_window', w.payout_window,
    'sellers', count(j.seller_id),
    'equal', count(*) filter (where j.difference = 0),
    'explained', count(j.explanation),
    'unexplained', count(*) filter (where j.difference <> 0 and j.explanation is null),
    'old_total', coalesce(sum(j.old_amount), 0.00)::numeric(18, 2)::text,
    'our_total', coalesce(sum(j.our_amount), 0.00)::numeric(18, 2)::text,
    'difference', coalesce(sum(j.difference), 0.00)::numeric(18, 2)::text,
    'differing', coalesce(json_agg(json_build_object(
        'seller_id', j.seller_id, 'old_amount', j.old_amount::numeric(18, 2)::text,
        'our_amount', j.our_amount::text, 'difference', j.difference::numeric(18, 2)::text,
        'explanation', j.explanation, 'hold_reason', j.hold_reason
    ) order by j.explanation is not null, abs(j.difference) desc, j.seller_id collate "C")
    filter (where j.difference <> 0), '[]')
) as week
from weeks as w
left join judged as j on w.payout_window = j.payout_window
group by w.payout_window, w.window_starts_at
order by w.window_starts_at

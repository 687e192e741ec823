-- All that was decided about reserve policies, by people and by closes that flagged a seller.

create or replace function finance.reserve_decisions(p_seller text)
returns table (
    assignment_id bigint, state text, file_id bigint, seller_id text, policy text, note text,
    assigned_by text, assigned_at timestamptz, approved_by text, approved_at timestamptz,
    withdrawn_by text, withdrawn_at timestamptz, decision_rank bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with decided as (
        select
            a.assignment_id, a.file_id, a.seller_id, a.policy, a.note, a.assigned_by, a.assigned_at,
            a.approved_by, a.approved_at, a.withdrawn_by, a.withdrawn_at, true as is_by_people,
            a.assignment_id as decision_id
        from finance.reserve_assignments as a
        where p_seller is null or a.seller_id = p_seller
        union all
        select
            null, null, f.seller_id, coalesce(f.policy, 'standard'),
            case
                when f.policy is null then 'its reasons are gone'
                else 'flagged for ' || array_to_string(f.review_reasons, ', ')
            end,
            'the close of ' || f.payout_window, f.applies_from, null, f.applies_from, null, null,
            false, f.flag_assignment_id
        from finance.flag_assignments as f
        where p_seller is null or f.seller_id = p_seller
    ),
    -- As int_reserve_assignments has it: at one instant people's word comes last.
    ranked as (
        select
            d.*,
            row_number() over (
                partition by d.seller_id
                order by d.approved_at desc nulls last, d.is_by_people desc, d.decision_id desc
            ) as decision_rank
        from decided as d
    )
    select
        r.assignment_id,
        case
            when r.withdrawn_at is not null then 'withdrawn'
            when r.approved_at is null then 'open'
            when r.decision_rank = 1 then 'current'
            else 'replaced'
        end,
        r.file_id, r.seller_id, r.policy, r.note, r.assigned_by, r.assigned_at, r.approved_by,
        r.approved_at, r.withdrawn_by, r.withdrawn_at, r.decision_rank
    from ranked as r
$$;
comment on function finance.reserve_decisions(text) is
'One row per decision to put a seller (null: each) under a reserve policy: who decided, a close too, and whether it is open, current, replaced or withdrawn.';

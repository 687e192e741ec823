-- Adjustments: goodwill, corrections, write-offs. Entered by one person, approved by another, one by
-- one or as a file.

-- A form that was sent twice, a file that a colleague had entered before: rather that than two
-- adjustments. What waits counts, and what a file has brought, approved or not.
create or replace function finance.entered_before(p_rows jsonb)
returns table (line bigint, fault text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select distinct on (r.line)
        r.line,
        format('is the same as adjustment %s%s, which %s entered on %s: withdraw that one, or give this its own reason',
            a.adjustment_id, coalesce(' of file ' || a.file_id, ''), a.entered_by,
            to_char(a.entered_at at time zone 'UTC', 'YYYY-MM-DD'))
    from jsonb_to_recordset(p_rows)
        as r (line bigint, seller_id text, amount_minor bigint, type text, reason text)
    inner join finance.adjustments as a
        on r.seller_id = a.seller_id and r.amount_minor = a.amount_minor
        and r.type = a.adjustment_type and r.reason = a.reason
    where a.withdrawn_at is null and (a.approved_at is null or a.file_id is not null)
    order by r.line, a.adjustment_id
$$;
comment on function finance.entered_before(jsonb) is
'Of rows {line, seller_id, amount_minor, type, reason} those of which an adjustment waits, or came with a file, and which.';

create or replace function finance.enter_adjustment(
    p_seller text, p_amount_minor bigint, p_reason text, p_type text default 'other'
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_id bigint;
    v_before text;
begin
    perform finance.require_finance_member();
    if not finance.is_known_seller(p_seller) then
        raise exception 'seller % is not known: nothing was entered', p_seller;
    end if;
    -- The same at this very moment is seen too.
    perform finance.lock_decisions();
    select b.fault into v_before from finance.entered_before(jsonb_build_array(jsonb_build_object(
        'line', 1, 'seller_id', p_seller, 'amount_minor', p_amount_minor, 'type', p_type,
        'reason', p_reason
    ))) as b;
    if v_before is not null then
        raise exception 'the adjustment of seller % %', p_seller, v_before;
    end if;
    insert into finance.adjustments (seller_id, amount_minor, reason, adjustment_type)
    values (p_seller, p_amount_minor, p_reason, p_type) returning adjustment_id into v_id;
    return v_id;
end;
$$;
comment on function finance.enter_adjustment(text, bigint, text, text) is
'Proposes a signed amount in minor units for a seller; returns its id. It counts once another person has approved it.';

create or replace function finance.enter_adjustments(p_rows jsonb, p_reason text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_file_id bigint;
begin
    perform finance.require_finance_member();
    perform finance.lock_decisions();
    perform finance.refuse_rows((
        with given as (
            select
                r.line, r.seller_id, r.amount, coalesce(nullif(r.type, ''), 'other') as type,
                coalesce(nullif(btrim(r.reason), ''), p_reason, '') as reason
            from jsonb_to_recordset(p_rows)
                as r (line bigint, seller_id text, amount text, type text, reason text)
        ),
        faults as (
            select s.line, s.fault from finance.seller_faults(p_rows, true) as s
            union all
            select g.line, finance.amount_fault(g.amount) from given as g
            union all
            select g.line, 'type: is not one of goodwill, correction, write_off, other'
            from given as g
            where g.type not in ('goodwill', 'correction', 'write_off', 'other')
            union all
            select g.line, 'reason: is empty; fill it in, or give the whole file a note'
            from given as g where g.reason = ''
            union all
            -- Rather a row that was copied than two adjustments.
            select n.line, format('is the same as line %s; keep one, or give each its own reason', n.first_line)
            from (
                select g.line, min(g.line) over same as first_line
                from given as g
                window same as (partition by g.seller_id, g.amount, g.type, g.reason)
            ) as n
            where n.line > n.first_line
            union all
            select b.line, b.fault
            from finance.entered_before((
                select jsonb_agg(jsonb_build_object(
                    'line', g.line, 'seller_id', g.seller_id, 'type', g.type, 'reason', g.reason,
                    'amount_minor', (g.amount::numeric * 100)::bigint
                ))
                from given as g where finance.amount_fault(g.amount) is null
            )) as b
        )
        select jsonb_agg(f) from faults as f
    ));
    v_file_id := nextval('finance.file_ids');
    insert into finance.adjustments (seller_id, amount_minor, reason, adjustment_type, file_id)
    select
        r.seller_id, (r.amount::numeric * 100)::bigint,
        coalesce(nullif(btrim(r.reason), ''), p_reason), coalesce(nullif(r.type, ''), 'other'),
        v_file_id
    from jsonb_to_recordset(p_rows)
        as r (line bigint, seller_id text, amount text, type text, reason text)
    order by r.line;
    return v_file_id;
end;
$$;
comment on function finance.enter_adjustments(jsonb, text) is
'Proposes all rows of a file, an array of {line, seller_id, amount, type, reason}, or none; a row without a reason has p_reason. Returns the id of the file.';

-- Why this person cannot approve it, whatever else is approved with it.
create or replace function finance.adjustment_obstacle(
    p_adjustment finance.adjustments, p_person text
) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select case
        when p_adjustment.approved_at is not null
            then format('adjustment %s was approved by %s before', p_adjustment.adjustment_id,
                p_adjustment.approved_by)
        when p_adjustment.withdrawn_at is not null
            then format('adjustment %s was withdrawn by %s: enter it again',
                p_adjustment.adjustment_id, p_adjustment.withdrawn_by)
        when w.obstacle is not null then w.obstacle
        when abs(p_adjustment.amount_minor) > finance.policy('maximum_line')
            then format('adjustment %s of %s is above the limit of one line (%s): raise the limit first',
                p_adjustment.adjustment_id, finance.money(p_adjustment.amount_minor),
                finance.money(finance.policy('maximum_line')))
        when exists (
            select from finance.window_closes as c where c.window_ends_at > public.settle_now()
        )
            then format('a window was closed while adjustment %s waited: approve it again',
                p_adjustment.adjustment_id)
    end
    from finance.second_person_obstacle(
        p_adjustment.entered_by, p_person, format('entered adjustment %s', p_adjustment.adjustment_id),
        'approve it', 'enter it again'
    ) as w (obstacle)
$$;

create or replace function finance.approve_adjustment(p_adjustment_id bigint)
returns finance.adjustments
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
    v_adjustment finance.adjustments;
    v_obstacle text;
begin
    -- No close is stored meanwhile: an approval never falls into a window that is.
    perform finance.lock_decisions();
    select a.* into v_adjustment from finance.adjustments as a
    where a.adjustment_id = p_adjustment_id;
    if v_adjustment.adjustment_id is null then
        raise exception 'there is no adjustment %: see settle adjust list', p_adjustment_id;
    end if;
    v_obstacle := finance.adjustment_obstacle(v_adjustment, v_person);
    if v_obstacle is not null then
        raise exception '%', v_obstacle;
    end if;
    update finance.adjustments set approved_by = v_person, approved_at = public.settle_now()
    where adjustment_id = p_adjustment_id returning * into v_adjustment;
    return v_adjustment;
end;
$$;
comment on function finance.approve_adjustment(bigint) is
'Approves an adjustment that somebody else entered; returns its row. It counts in the window that contains this instant. Raises with what is in the way.';

create or replace function finance.approve_adjustments(
    p_file_id bigint, out row_count bigint, out amount_minor numeric
)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
    v_obstacle text;
begin
    perform finance.lock_decisions();
    perform finance.refuse_shortened_file(p_file_id, array(
        select a.withdrawn_by from finance.adjustments as a where a.file_id = p_file_id
    ));
    select o.obstacle into v_obstacle
    from finance.adjustments as a
    cross join lateral finance.adjustment_obstacle(a, v_person) as o (obstacle)
    where a.file_id = p_file_id and a.approved_at is null and a.withdrawn_at is null
    and o.obstacle is not null
    order by a.adjustment_id limit 1;
    if v_obstacle is not null then
        raise exception '% (file %: nothing of it was approved)', v_obstacle, p_file_id;
    end if;
    with approved as (
        update finance.adjustments as a set approved_by = v_person, approved_at = public.settle_now()
        where a.file_id = p_file_id and a.approved_at is null and a.withdrawn_at is null
        returning a.amount_minor
    )
    select count(*), sum(d.amount_minor) into row_count, amount_minor from approved as d;
    if row_count = 0 then
        raise exception 'file % has no adjustment that waits: see settle adjust list', p_file_id;
    end if;
end;
$$;
comment on function finance.approve_adjustments(bigint) is
'Approves all that still waits of a file, or nothing; returns how many they are and what they add up to.';

create or replace function finance.withdraw_adjustment(p_adjustment_id bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
begin
    perform finance.lock_decisions();
    update finance.adjustments set withdrawn_by = v_person, withdrawn_at = public.settle_now()
    where adjustment_id = p_adjustment_id and approved_at is null and withdrawn_at is null;
    if not found then
        raise exception 'adjustment % is not open: see settle adjust list', p_adjustment_id;
    end if;
end;
$$;
comment on function finance.withdraw_adjustment(bigint) is
'Withdraws an adjustment that waits. Raises where none waits under that id.';

create or replace function finance.withdraw_adjustments(p_file_id bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
    v_count bigint;
begin
    perform finance.lock_decisions();
    update finance.adjustments set withdrawn_by = v_person, withdrawn_at = public.settle_now()
    where file_id = p_file_id and approved_at is null and withdrawn_at is null;
    get diagnostics v_count = row_count;
    if v_count = 0 then
        raise exception 'file % has no adjustment that waits: see settle adjust list', p_file_id;
    end if;
    return v_count;
end;
$$;
comment on function finance.withdraw_adjustments(bigint) is
'Withdraws all that still waits of a file; returns how many they are. Raises where nothing waits.';

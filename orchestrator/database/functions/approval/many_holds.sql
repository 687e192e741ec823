-- What a person holds and releases of many sellers: one note, one decision, all or nothing. Each
-- seller has a row of their own; rows of one decision share a number.

create or replace function finance.hold_sellers(p_rows jsonb, p_note text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_file_id bigint;
begin
    perform finance.require_finance_member();
    perform finance.lock_decisions();
    perform finance.refuse_rows((
        select jsonb_agg(f) from (
            select s.line, s.fault from finance.seller_faults(p_rows) as s
            union all
            select r.line, format('seller_id: %s is held already, by %s: leave the row out',
                r.seller_id, h.held_by)
            from jsonb_to_recordset(p_rows) as r (line bigint, seller_id text)
            inner join finance.seller_holds as h
                on r.seller_id = h.seller_id and h.lifted_at is null
        ) as f
    ));
    v_file_id := nextval('finance.file_ids');
    insert into finance.seller_holds (seller_id, note, file_id)
    select r.seller_id, p_note, v_file_id
    from jsonb_to_recordset(p_rows) as r (line bigint, seller_id text)
    order by r.line;
    return v_file_id;
end;
$$;
comment on function finance.hold_sellers(jsonb, text) is
'Holds all sellers of a file, an array of {line, seller_id}, or none; returns the number of the decision.';

-- The rows that cannot be released, and why not.
create or replace function finance.release_faults(p_window text, p_rows jsonb)
returns table (line bigint, fault text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select r.line, f.fault
    from jsonb_to_recordset(p_rows)
        as r (line bigint, seller_id text, held_for text, wallet text, hold text)
    left join finance.held_sellers(p_window) as h on r.seller_id = h.seller_id
    left join finance.seller_holds as k on r.seller_id = k.seller_id and k.lifted_at is null
    left join lateral (
        select x.released_by, x.reason from finance.hold_releases as x
        where x.payout_window = p_window and x.seller_id = r.seller_id
        order by x.release_id desc limit 1
    ) as x on true
    cross join lateral (
        select case
            when h.seller_id is null and x.reason is not null
                then format('seller_id: %s was released from %s by %s before: leave the row out',
                    r.seller_id, x.reason, x.released_by)
            when h.seller_id is null
                then format('seller_id: %s is not held in %s: leave the row out', r.seller_id, p_window)
            when nullif(r.held_for, '') <> h.held_for
                then format('held_for: %s is held for %s now, not for %s: look at it again',
                    r.seller_id, h.held_for, r.held_for)
            when not h.is_releasable
                then format('seller_id: %s is held for %s, which a person cannot release: mend the cause',
                    r.seller_id, h.held_for)
            when nullif(r.wallet, '') <> h.wallet_now
                then format('wallet: %s names another wallet now: look at it again', r.seller_id)
            -- A flag and a person hold for the same reason, and a release from it lifts both.
            when r.hold <> coalesce(k.hold_id::text, '')
                then format('hold: %s is held by %s now, which is not what was looked at: look at it again',
                    r.seller_id, coalesce(format('%s (hold %s)', k.held_by, k.hold_id), 'no person'))
        end as fault
    ) as f
    where f.fault is not null and finance.is_known_seller(r.seller_id)
$$;

-- An approval from before a hold knew nothing of it: with the release alone it would let one person pay
-- what another held. What is frozen already stays as it was approved.
create or replace function finance.void_approvals(p_sellers text[]) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    update finance.approvals as a set revoked_by = session_user, revoked_at = finance.this_instant()
    where a.payout_window = finance.latest_closed_window() and a.revoked_at is null
    and a.run > coalesce((finance.latest_batch(a.payout_window)).run, 0)
    and exists (
        select from finance.approval_lines as l
        where l.approval_id = a.approval_id and l.seller_id = any(p_sellers)
    )
$$;
comment on function finance.void_approvals(text[]) is
'Revokes the approvals, of a run that is not frozen, that have a line of one of these sellers, who was held since and is not any more.';

-- Every release is written here. A hold that a person set ends with the release from it.
create or replace function finance.write_releases(
    p_window text, p_sellers text[], p_note text, p_file_id bigint
) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_count bigint;
    -- Not that of a transaction which was open before: whether the seller was paid since counts.
    v_at constant timestamptz := finance.this_instant();
begin
    perform finance.void_approvals(p_sellers);
    with released as (
        insert into finance.hold_releases
            (payout_window, seller_id, reason, wallet_address, sighting_id, note, file_id, released_at)
        select
            p_window, h.seller_id, h.held_for,
            -- The wallet that is looked at: of a lasting reason that of the row.
            case when k.is_lasting then s.wallet_address else h.wallet_now end,
            (select max(w.sighting_id) from finance.wallet_sightings as w
                where w.seller_id = h.seller_id),
            p_note, p_file_id, v_at
        from unnest(p_sellers) with ordinality as r (seller_id, place)
        inner join finance.held_sellers(p_window) as h on r.seller_id = h.seller_id
        inner join finance.window_close_rows as s
            on s.payout_window = p_window and s.seller_id = h.seller_id
        left join finance.hold_reasons as k on h.held_for = k.reason
        order by r.place
        returning seller_id, reason
    ),
    lifted as (
        update finance.seller_holds as h
        set lifted_by = session_user, lifted_at = v_at
        from released as r
        where h.seller_id = r.seller_id and h.lifted_at is null and r.reason = 'manual_review'
    )
    select count(*) into v_count from released;
    return v_count;
end;
$$;
comment on function finance.write_releases(text, text[], text, bigint) is
'Releases each of these sellers from the first reason that holds them; returns how many were held. Who calls it has checked that a person may.';

create or replace function finance.release_sellers(
    p_window text, p_rows jsonb, p_note text, out file_id bigint, out still_held bigint
)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_sellers text[];
begin
    perform finance.require_finance_member();
    perform finance.lock_decisions();
    perform finance.require_latest_window(p_window);
    perform finance.refuse_rows((
        select jsonb_agg(f) from (
            select s.line, s.fault from finance.seller_faults(p_rows) as s
            union all
            select s.line, s.fault from finance.release_faults(p_window, p_rows) as s
        ) as f
    ));
    v_sellers := array(
        select r.seller_id from jsonb_to_recordset(p_rows) as r (line bigint, seller_id text)
        order by r.line
    );
    file_id := nextval('finance.file_ids');
    perform finance.write_releases(p_window, v_sellers, p_note, file_id);
    still_held := finance.count_held(p_window, v_sellers);
end;
$$;
comment on function finance.release_sellers(text, jsonb, text) is
'Releases all sellers of a file, an array of {line, seller_id, held_for, wallet, hold}, each from the first reason that holds them in the latest closed window, or none. held_for, wallet and hold, where they are given, are what was looked at; an empty hold is that no person held the seller. Returns the number of the decision, and how many another reason still holds.';

create or replace function finance.release_reason(
    p_window text, p_reason text, p_digest text, p_note text, out file_id bigint,
    out row_count bigint, out still_held bigint
)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_sellers text[];
begin
    perform finance.require_finance_member();
    perform finance.lock_decisions();
    perform finance.require_latest_window(p_window);
    v_sellers := array(
        select h.seller_id from finance.held_sellers(p_window) as h
        where h.held_for = p_reason order by h.seller_id
    );
    if cardinality(v_sellers) = 0 then
        raise exception 'no seller is held in window % for %: nothing to release', p_window, p_reason;
    end if;
    if not exists (
        select from finance.hold_reasons as k where k.reason = p_reason and k.is_releasable
    ) then
        raise exception '% sellers are held in window % for %, which a person cannot release: mend the cause',
            cardinality(v_sellers), p_window, p_reason;
    end if;
    if finance.held_digest(p_window, p_reason) is distinct from p_digest then
        raise exception 'the sellers held in % for % are others now (%), or have another wallet or hold: nothing was released; look at them again',
            p_window, p_reason, cardinality(v_sellers);
    end if;
    file_id := nextval('finance.file_ids');
    row_count := finance.write_releases(p_window, v_sellers, p_note, file_id);
    still_held := finance.count_held(p_window, v_sellers);
end;
$$;
comment on function finance.release_reason(text, text, text, text) is
'Releases exactly the sellers whose digest was looked at: all that are held first for one reason in the latest closed window. Returns the number of the decision, how many were released, and how many another reason still holds.';

create or replace function finance.count_held(p_window text, p_sellers text[]) returns bigint
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select count(*) from finance.held_sellers(p_window) as h where h.seller_id = any(p_sellers)
$$;

-- What finance may pay: current holds, the digest, approvals, and the gate in front of the freeze.

create table finance.payout_policies (
    policy_id bigint generated always as identity primary key,
    valid_from timestamptz not null default public.settle_now(),
    -- A total above this takes two people, in minor units.
    dual_approval_above_minor bigint not null check (dual_approval_above_minor >= 0),
    -- A line above this waits for a person, in minor units.
    maximum_line_minor bigint not null check (maximum_line_minor > 0),
    batch_path text not null default '/v1/payouts/batch',
    set_by text not null default session_user
);
comment on table finance.payout_policies is
'Limits on paying, with history: the newest valid_from holds. Amounts in minor units.';
insert into finance.payout_policies (valid_from, dual_approval_above_minor, maximum_line_minor)
values ('-infinity', 100000000, 25000000);

create table finance.seller_holds (
    hold_id bigint generated always as identity primary key,
    seller_id text collate "C" not null,
    note text not null check (note <> ''),
    held_by text not null default session_user,
    held_at timestamptz not null default public.settle_now(),
    lifted_by text,
    lifted_at timestamptz,
    check ((lifted_by is null) = (lifted_at is null))
);
comment on table finance.seller_holds is 'A person''s hold on a seller; it stands until lifted.';
create unique index seller_holds_one_standing on finance.seller_holds (seller_id)
where lifted_at is null;

create table finance.hold_releases (
    release_id bigint generated always as identity primary key,
    payout_window text not null references finance.window_closes,
    seller_id text collate "C" not null,
    reason text not null,
    note text not null check (note <> ''),
    released_by text not null default session_user,
    released_at timestamptz not null default public.settle_now(),
    unique (payout_window, seller_id, reason)
);
comment on table finance.hold_releases is
'A person''s release of one hold reason of one seller, for one window.';

create function finance.hold_rank(p_reason text) returns integer
language sql immutable as $$
    select array_position(array[
        'nothing_due', 'negative_balance', 'seller_suspended', 'seller_closed', 'not_verified',
        'no_rail', 'wallet_missing', 'wallet_unchecked', 'wallet_invalid', 'wallet_blocked',
        'wallet_shared', 'wallet_changed', 'outcome_conflict', 'repeated_failure',
        'manual_review', 'above_maximum', 'below_minimum'
    ], p_reason)
$$;

create function finance.latest_closed_window() returns text
language sql stable security definer set search_path = '' as $$
    select c.payout_window from finance.window_closes as c
    where c.window_ends_at <= public.settle_now()
    and finance.window_ends_at(c.window_ends_at, c.settlement_timezone) > public.settle_now()
$$;
comment on function finance.latest_closed_window() is
'The window that closed last, if its close is stored: the only one that can be approved and paid.';

-- The stored rows of a window with what holds them now. A row can gain a hold after the close
-- (suspension, another wallet, a person), and lose one by a person's release; nothing else moves.
-- Late-bound on settlement.seller_accounts, so that a rebuild of it drops nothing here.
create function finance.current_holds(p_window text)
returns table (
    seller_id text, net_minor bigint, rail text, rail_currency text, wallet_address text,
    hold_reasons text[]
)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    select
        r.seller_id, r.net_minor, r.rail, r.rail_currency, r.wallet_address,
        array(
            select distinct_reason.reason from (
                select unnest(r.hold_reasons) as reason
                union
                select unnest(array[
                    case when a.seller_id is null then 'seller_closed' end,
                    case when a.seller_status = 'suspended' then 'seller_suspended' end,
                    case when a.seller_status = 'closed' then 'seller_closed' end,
                    case when not a.payouts_enabled then 'not_verified' end,
                    case when a.wallet_address <> r.wallet_address then 'wallet_changed' end,
                    -- Money that came back and was paid all the same. Its correction lands in a
                    -- later window, or waits for a person: paying this row now would pay it twice.
                    case when exists (
                        select from finance.payout_lines as l
                        where l.seller_id = r.seller_id and l.retaken_at >= c.window_ends_at
                    ) or exists (
                        select from finance.payout_lines as l
                        inner join finance.breaks as b on l.line_id = b.subject and b.closed_at is null
                        where l.seller_id = r.seller_id and l.state = 'rejected'
                    ) then 'outcome_conflict' end,
                    case when h.hold_id is not null then 'manual_review' end
                ])
            ) as distinct_reason
            where distinct_reason.reason is not null
            and not exists (
                select from finance.hold_releases as x
                where x.payout_window = r.payout_window and x.seller_id = r.seller_id
                and x.reason = distinct_reason.reason
                -- A release lifts the hold there was; one that stands was set after it.
                and not (distinct_reason.reason = 'manual_review' and h.hold_id is not null)
            )
            order by finance.hold_rank(distinct_reason.reason)
        )
    from finance.window_close_rows as r
    inner join finance.window_closes as c on r.payout_window = c.payout_window
    left join settlement.seller_accounts as a on r.seller_id = a.seller_id
    left join finance.seller_holds as h on r.seller_id = h.seller_id and h.lifted_at is null
    where r.payout_window = p_window;
end;
$$;

create function finance.money(p_minor numeric) returns text
language sql immutable as $$ select (p_minor / 100)::numeric(20, 2)::text $$;

create function finance.digest_of(
    p_window text, p_currency text, p_count bigint, p_total_minor numeric, p_lines text
) returns text
language sql immutable as $$
    select encode(sha256(convert_to(
        'v1|' || p_window || '|' || p_currency || '|' || p_count || '|'
        || finance.money(p_total_minor) || E'\n' || coalesce(p_lines, ''), 'UTF8'
    )), 'hex')
$$;

create type finance.payable_set as (
    payout_window text, currency text, digest text, line_count bigint, total_minor numeric
);

create function finance.payable(p_window text) returns finance.payable_set
language plpgsql stable security definer set search_path = '' as $$
declare
    v_set finance.payable_set;
begin
    select
        c.payout_window, c.currency,
        finance.digest_of(
            c.payout_window, c.currency, count(h.seller_id), coalesce(sum(h.net_minor), 0),
            string_agg(
                h.seller_id || '|' || finance.money(h.net_minor) || '|' || h.rail || '|'
                || h.wallet_address || E'\n', '' order by h.seller_id collate "C"
            )
        ),
        count(h.seller_id), coalesce(sum(h.net_minor), 0)
    into v_set
    from finance.window_closes as c
    left join finance.current_holds(p_window) as h on cardinality(h.hold_reasons) = 0
    where c.payout_window = p_window
    group by c.payout_window, c.currency;
    return v_set;
end;
$$;
comment on function finance.payable(text) is
'The digest, count and total of the lines of a stored window that nothing holds now; null where the window has no stored close.';

create table finance.approvals (
    approval_id bigint generated always as identity primary key,
    payout_window text not null references finance.window_closes,
    digest text not null,
    currency text not null,
    line_count bigint not null check (line_count > 0),
    total_minor numeric not null check (total_minor > 0),
    approved_by text not null default session_user,
    approved_at timestamptz not null default public.settle_now(),
    revoked_by text,
    revoked_at timestamptz,
    check ((revoked_by is null) = (revoked_at is null))
);
create unique index approvals_one_standing on finance.approvals (payout_window, approved_by)
where revoked_at is null;

create table finance.approval_lines (
    approval_id bigint not null references finance.approvals,
    seller_id text collate "C" not null,
    net_minor bigint not null check (net_minor > 0),
    rail text not null,
    wallet_address text not null,
    primary key (approval_id, seller_id)
);

-- Refuses in one line everybody who may not decide about money; returns the login.
create function finance.require_person() returns text
language plpgsql stable set search_path = '' as $$
begin
    if (select r.rolsuper from pg_catalog.pg_roles as r where r.rolname = session_user)
        or pg_has_role(session_user, 'settle_owner', 'member') then
        raise exception '% is an owner of the database and may not decide about payouts: use a personal login',
            session_user;
    end if;
    if not pg_has_role(session_user, 'settle_finance', 'member') then
        raise exception '% is not in the finance group: ask for settle user add % --group finance',
            session_user, session_user;
    end if;
    return session_user;
end;
$$;

-- One decision at a time, and none while a window is stored or frozen. What was committed while
-- this waited must be seen afterwards, which an older snapshot would not.
create function finance.lock_decisions() returns void
language plpgsql set search_path = '' as $$
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'payouts are decided in read committed transactions, this one is %: change default_transaction_isolation',
            current_setting('transaction_isolation');
    end if;
    perform pg_advisory_xact_lock(hashtext('settle.close'));
end;
$$;

create function finance.approve(p_window text, p_digest text) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    v_person text := finance.require_person();
    v_set finance.payable_set;
    v_standing finance.approvals;
    v_id bigint;
begin
    perform finance.lock_decisions();
    if not exists (select from finance.window_closes where payout_window = p_window) then
        raise exception 'window % has no stored close: nothing to approve yet', p_window;
    end if;
    if p_window is distinct from finance.latest_closed_window() then
        raise exception 'window % is not the latest closed one (%): its amounts have moved on',
            p_window, coalesce(finance.latest_closed_window(), 'none is stored');
    end if;
    if exists (
        select from finance.payout_batches as b
        where b.payout_window = p_window and b.state <> 'rejected'
    ) then
        raise exception 'window % is frozen already: nothing is left to approve', p_window;
    end if;
    v_set := finance.payable(p_window);
    if v_set.line_count = 0 then
        raise exception 'window % has no line that is ready: nothing to approve', p_window;
    end if;
    if v_set.digest is distinct from p_digest then
        raise exception 'the digest of % is now % (% lines, % %), not %: review again and approve what you saw',
            p_window, v_set.digest, v_set.line_count, finance.money(v_set.total_minor),
            v_set.currency, coalesce(p_digest, 'empty');
    end if;
    select a.* into v_standing from finance.approvals as a
    where a.payout_window = p_window and a.approved_by = v_person and a.revoked_at is null;
    if v_standing.digest = p_digest then
        return v_standing.approval_id;
    end if;
    -- A newer approval by the same person takes the place of the older one.
    update finance.approvals set revoked_by = v_person, revoked_at = public.settle_now()
    where approval_id = v_standing.approval_id;
    insert into finance.approvals (payout_window, digest, currency, line_count, total_minor)
    values (p_window, v_set.digest, v_set.currency, v_set.line_count, v_set.total_minor)
    returning approval_id into v_id;
    insert into finance.approval_lines
    select v_id, h.seller_id, h.net_minor, h.rail, h.wallet_address
    from finance.current_holds(p_window) as h
    where cardinality(h.hold_reasons) = 0;
    -- The lines kept are those of the digest, whatever else was committed in between.
    if v_set.digest is distinct from (
        select finance.digest_of(
            p_window, v_set.currency, count(*), sum(l.net_minor),
            string_agg(
                l.seller_id || '|' || finance.money(l.net_minor) || '|' || l.rail || '|'
                || l.wallet_address || E'\n', '' order by l.seller_id collate "C"
            )
        )
        from finance.approval_lines as l where l.approval_id = v_id
    ) then
        raise exception 'the lines of % changed while it was approved: review and approve again', p_window;
    end if;
    return v_id;
end;
$$;

create function finance.revoke_approval(p_window text) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
    v_person text := finance.require_person();
begin
    perform finance.lock_decisions();
    if exists (
        select from finance.payout_batches as b
        where b.payout_window = p_window and b.state <> 'rejected'
    ) then
        raise exception 'window % is frozen already: an approval can no longer be revoked', p_window;
    end if;
    update finance.approvals set revoked_by = v_person, revoked_at = public.settle_now()
    where payout_window = p_window and approved_by = v_person and revoked_at is null;
    return found;
end;
$$;

create function finance.hold_seller(p_seller text, p_note text) returns void
language plpgsql security definer set search_path = '' as $$
begin
    perform finance.require_person();
    if not exists (select from settlement.seller_accounts as a where a.seller_id = p_seller) then
        raise exception 'seller % is not known: nothing is held', p_seller;
    end if;
    insert into finance.seller_holds (seller_id, note) values (p_seller, p_note)
    on conflict (seller_id) where lifted_at is null do nothing;
end;
$$;

create function finance.release_hold(p_window text, p_seller text, p_note text) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_person text := finance.require_person();
    v_reason text;
begin
    perform finance.lock_decisions();
    select h.hold_reasons[1] into v_reason
    from finance.current_holds(p_window) as h where h.seller_id = p_seller;
    if v_reason is null then
        raise exception 'seller % is not held in window %', p_seller, p_window;
    end if;
    if v_reason not in (
        'seller_closed', 'wallet_changed', 'wallet_shared', 'manual_review', 'repeated_failure',
        'above_maximum'
    ) then
        raise exception 'seller % is held in window % for %, which a person cannot release: mend the cause',
            p_seller, p_window, v_reason;
    end if;
    update finance.seller_holds set lifted_by = v_person, lifted_at = public.settle_now()
    where seller_id = p_seller and lifted_at is null and v_reason = 'manual_review';
    insert into finance.hold_releases (payout_window, seller_id, reason, note)
    values (p_window, p_seller, v_reason, p_note)
    on conflict (payout_window, seller_id, reason)
    do update set note = excluded.note, released_by = session_user, released_at = public.settle_now();
    return v_reason;
end;
$$;

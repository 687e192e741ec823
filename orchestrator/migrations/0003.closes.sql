-- Stored closes: what each window was when it closed. Append-only evidence that no rebuild touches.

create table finance.wallet_checks (
    wallet_address text collate "C" primary key,
    address_format text check (address_format in ('TRC-20', 'ERC-20', 'SPL')),
    is_valid boolean not null,
    detail text not null,
    checked_at timestamptz not null default public.settle_now()
);
comment on table finance.wallet_checks is
'One row per address ever seen: the network its format belongs to, and whether its checksum holds. A pure function of the address, so a row never changes.';

create table finance.adjustments (
    adjustment_id bigint generated always as identity primary key,
    seller_id text collate "C" not null,
    amount_minor bigint not null check (amount_minor <> 0),
    reason text not null check (reason <> ''),
    entered_by text not null default session_user,
    entered_at timestamptz not null default public.settle_now(),
    approved_by text,
    approved_at timestamptz,
    check (approved_by <> entered_by),
    check ((approved_by is null) = (approved_at is null))
);
comment on table finance.adjustments is
'Signed corrections to a seller''s balance in minor units, entered by one person and approved by another; available from the approval on.';

create table finance.window_closes (
    payout_window text primary key,
    window_starts_at timestamptz not null unique,
    window_ends_at timestamptz not null check (window_ends_at > window_starts_at),
    payout_due_at timestamptz not null check (payout_due_at > window_ends_at),
    settlement_timezone text not null,
    currency text not null,
    row_count integer not null,
    net_minor numeric not null,
    -- Late disputes that became known in the window: the marketplace bears them.
    absorbed_disputes_minor bigint not null,
    closed_at timestamptz not null default public.settle_now(),
    closed_by text not null default session_user
);

create table finance.window_close_rows (
    payout_window text not null references finance.window_closes,
    seller_id text collate "C" not null,
    gross_minor bigint not null,
    fees_minor bigint not null,
    refunds_minor bigint not null,
    disputes_minor bigint not null,
    adjustments_minor bigint not null,
    carried_forward_minor bigint not null,
    net_minor bigint not null,
    order_count integer not null,
    weeks_carried integer not null,
    rail text,
    rail_currency text,
    wallet_address text not null,
    region text not null,
    seller_status text not null,
    -- All that hold the row, the first that applies first; empty for a row that may be paid.
    hold_reasons text[] not null,
    hold_detail text,
    primary key (payout_window, seller_id),
    check (
        net_minor = gross_minor - fees_minor - refunds_minor - disputes_minor
        + adjustments_minor + carried_forward_minor
    ),
    -- A row that may be paid names all that a payment needs.
    check (cardinality(hold_reasons) > 0 or (net_minor > 0 and rail is not null and wallet_address <> ''))
);
create index window_close_rows_seller on finance.window_close_rows (seller_id, payout_window);

create table finance.window_close_entries (
    payout_window text not null references finance.window_closes,
    entry_type text not null,
    source_id text collate "C" not null,
    order_id text collate "C",
    seller_id text collate "C" not null,
    amount_minor bigint not null check (amount_minor <> 0),
    occurred_at timestamptz not null,
    known_at timestamptz not null,
    available_at timestamptz not null,
    -- An entry is settled in one window, ever.
    primary key (entry_type, source_id)
);
comment on table finance.window_close_entries is
'What each stored row is the sum of: the entries of its window, as they were at the close.';
create index window_close_entries_seller on finance.window_close_entries (seller_id, payout_window);
create index window_close_entries_order on finance.window_close_entries (order_id);

create table finance.window_close_health (
    payout_window text not null references finance.window_closes,
    seller_id text collate "C" not null,
    trailing_30d_gross numeric(18, 2) not null,
    trailing_30d_fees numeric(18, 2) not null,
    trailing_30d_disputes numeric(18, 2) not null,
    health_score numeric(4, 1) not null,
    dispute_rate numeric(7, 4) not null,
    refund_rate numeric(7, 4) not null,
    spike_ratio numeric(18, 4),
    needs_review boolean not null,
    review_reasons text[] not null,
    primary key (payout_window, seller_id)
);

do $$
declare
    table_name text;
begin
    foreach table_name in array array[
        'window_closes', 'window_close_rows', 'window_close_entries', 'window_close_health',
        'wallet_checks'
    ] loop
        execute format(
            'create trigger append_only before update or delete or truncate on finance.%I'
            ' for each statement execute function finance.refuse_change()', table_name
        );
    end loop;
end;
$$;

-- The only writer of stored closes. It copies what dbt computed, after checking that the copy is
-- the right one: built after the window's end, from this zone and currency, in order, once.
create function finance.store_close(p_window text) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
    v_build record;
    v_window record;
    v_latest record;
    v_earlier text;
    v_wrong text;
begin
    -- One close at a time, and none while a batch is being frozen.
    perform pg_advisory_xact_lock(hashtext('settle.close'));
    if exists (select from finance.window_closes where payout_window = p_window) then
        return false;
    end if;
    select b.* into v_build from settlement_core.int_build as b
    inner join finance.build_instants as i
        on i.target_schema = 'settlement' and i.as_of = b.as_of and i.completed_at is not null;
    if v_build is null then
        raise exception 'the last build of the live schemas is not whole: build all of it, then close %',
            p_window;
    end if;
    select w.* into v_window from settlement.windows as w where w.payout_window = p_window;
    if v_window is null then
        raise exception 'window % does not exist: the facts span % to %', p_window,
            (select w.payout_window from settlement.windows as w order by w.window_starts_at limit 1),
            (select w.payout_window from settlement.windows as w order by w.window_starts_at desc limit 1);
    end if;
    if v_window.window_ends_at + v_build.close_lag > public.settle_now() then
        raise exception 'window % is still open: it closes at %', p_window,
            v_window.window_ends_at + v_build.close_lag;
    end if;
    if v_build.as_of < v_window.window_ends_at + v_build.close_lag then
        raise exception 'window % was computed as of %, before its end: build again', p_window,
            v_build.as_of;
    end if;
    if exists (
        select from finance.installation as i
        where (i.settlement_timezone, i.currency)
            is distinct from (v_build.settlement_timezone, v_build.currency)
        and i.settlement_timezone is not null
    ) then
        raise exception 'the closes so far are in % and %, this build is in % and %: neither may change'
            ' once a close is stored',
            (select i.settlement_timezone from finance.installation as i),
            (select i.currency from finance.installation as i),
            v_build.settlement_timezone, v_build.currency;
    end if;
    select c.* into v_latest from finance.window_closes as c
    order by c.window_starts_at desc limit 1;
    if v_latest.window_starts_at > v_window.window_starts_at then
        raise exception 'window % is before %, the latest stored close: it can no longer be stored',
            p_window, v_latest.payout_window;
    end if;
    if v_build.stored_until is distinct from coalesce(v_latest.window_ends_at, '-infinity') and not exists (
        -- Closes stored since the build came from that same build, one after another.
        select from finance.window_closes as c
        where c.window_starts_at >= v_build.stored_until
        and c.window_ends_at = v_window.window_starts_at
    ) then
        raise exception 'window % was computed before % was stored: build again', p_window,
            v_latest.payout_window;
    end if;
    select w.payout_window into v_earlier
    from settlement.windows as w
    where w.window_starts_at < v_window.window_starts_at
    and w.window_starts_at >= coalesce(v_latest.window_ends_at, '-infinity')
    order by w.window_starts_at limit 1;
    if v_earlier is not null then
        raise exception 'window % has no stored close yet: close it before %', v_earlier, p_window;
    end if;
    update finance.installation
    set settlement_timezone = v_build.settlement_timezone, currency = v_build.currency
    where settlement_timezone is null;
    insert into finance.window_closes (
        payout_window, window_starts_at, window_ends_at, payout_due_at, settlement_timezone,
        currency, row_count, net_minor, absorbed_disputes_minor
    )
    select
        p_window, v_window.window_starts_at, v_window.window_ends_at, v_window.payout_due_at,
        v_build.settlement_timezone, v_build.currency, count(*), coalesce(sum(s.net_minor), 0),
        (
            select coalesce(sum(d.opened_minor), 0) from settlement_core.int_disputes as d
            where not d.is_in_time and d.opened_known_at >= v_window.window_starts_at
            and d.opened_known_at < v_window.window_ends_at
        )
    from settlement_core.int_settlement__computed as s
    where s.payout_window = p_window;
    insert into finance.window_close_rows
    select
        s.payout_window, s.seller_id, s.gross_minor, s.fees_minor, s.refunds_minor,
        s.disputes_minor, s.adjustments_minor, s.carried_forward_minor, s.net_minor,
        s.order_count, s.weeks_carried, s.rail, s.rail_currency, s.wallet_address, s.region,
        s.seller_status, s.hold_reasons, s.hold_detail
    from settlement_core.int_settlement__computed as s
    where s.payout_window = p_window;
    insert into finance.window_close_entries
    select
        p_window, e.entry_type, e.source_id, e.order_id, e.seller_id, e.amount_minor,
        e.occurred_at, e.known_at, e.available_at
    from settlement_core.int_entries as e
    where e.window_starts_at = v_window.window_starts_at;
    -- Each row is the sum of its entries and of what was carried in, to the cent.
    select coalesce(e.seller_id, r.seller_id) into v_wrong
    from (
        select w.seller_id, sum(w.amount_minor) as new_minor from finance.window_close_entries as w
        where w.payout_window = p_window group by w.seller_id
    ) as e
    full join (
        select w.seller_id, w.net_minor - w.carried_forward_minor as new_minor
        from finance.window_close_rows as w where w.payout_window = p_window
    ) as r on e.seller_id = r.seller_id
    where coalesce(e.new_minor, 0) <> coalesce(r.new_minor, 0)
    limit 1;
    if v_wrong is not null then
        raise exception 'the row of seller % in % is not the sum of its entries: nothing was stored, build again',
            v_wrong, p_window;
    end if;
    -- What is carried in is what the close before left, less its lines, with what came back in the
    -- window: a build that missed a freeze or a return is no base for paying.
    select coalesce(c.seller_id, r.seller_id) into v_wrong
    from (
        select m.seller_id, sum(m.amount_minor) as carried_minor
        from (
            select w.seller_id, w.net_minor as amount_minor from finance.window_close_rows as w
            where w.payout_window = v_latest.payout_window
            union all
            select l.seller_id, -l.amount_minor from finance.payout_lines as l
            where l.payout_window = v_latest.payout_window
            union all
            select l.seller_id, l.amount_minor from finance.payout_lines as l
            where l.returned_at >= v_window.window_starts_at and l.returned_at < v_window.window_ends_at
            union all
            select l.seller_id, -l.amount_minor from finance.payout_lines as l
            where l.retaken_at >= v_window.window_starts_at and l.retaken_at < v_window.window_ends_at
        ) as m
        group by m.seller_id
    ) as c
    full join (
        select w.seller_id, w.carried_forward_minor from finance.window_close_rows as w
        where w.payout_window = p_window
    ) as r on c.seller_id = r.seller_id
    where coalesce(c.carried_minor, 0) <> coalesce(r.carried_forward_minor, 0)
    limit 1;
    if v_wrong is not null then
        raise exception 'the row of seller % in % does not carry in what % left: nothing was stored, build again',
            v_wrong, p_window, coalesce(v_latest.payout_window, 'nothing');
    end if;
    insert into finance.window_close_health
    select
        h.payout_window, h.seller_id, h.trailing_30d_gross, h.trailing_30d_fees,
        h.trailing_30d_disputes, h.health_score, h.dispute_rate, h.refund_rate, h.spike_ratio,
        h.needs_review, h.review_reasons
    from settlement_core.int_seller_health as h
    where h.payout_window = p_window;
    return true;
end;
$$;
comment on function finance.store_close(text) is
'Stores the computed rows of a closed window, append-only. True when stored now, false when it was stored before.';

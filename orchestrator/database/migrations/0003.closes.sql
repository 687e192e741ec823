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
    -- Whatever was written by transactions before this one, the build of this close has seen.
    landed_before bigint not null,
    landed_in bigint not null,
    closed_at timestamptz not null default public.settle_now(),
    closed_by text not null default session_user
);

create table finance.window_close_rows (
    payout_window text not null references finance.window_closes,
    seller_id text collate "C" not null,
    gross_minor bigint not null,
    fees_minor bigint not null,
    taxes_minor bigint not null,
    refunds_minor bigint not null,
    disputes_minor bigint not null,
    charges_minor bigint not null,
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
        net_minor = gross_minor - fees_minor - taxes_minor - refunds_minor - disputes_minor
        - charges_minor + adjustments_minor + carried_forward_minor
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
    primary key (seller_id, source_id, entry_type)
);
comment on table finance.window_close_entries is
'What each stored row is the sum of: the entries of its window, as they were at the close.';
create index window_close_entries_seller on finance.window_close_entries (seller_id, payout_window);
-- Windows are stored one after another: a range of blocks is a window, at next to no cost.
create index window_close_entries_window on finance.window_close_entries using brin (payout_window);
create index window_close_entries_order on finance.window_close_entries (order_id);

create table finance.window_close_facts (
    payout_window text not null references finance.window_closes,
    source_table text not null,
    source_id text collate "C" not null,
    order_id text collate "C",
    seller_id text collate "C" not null,
    -- The end of the window before it, for a fact that the close before should have had; else null.
    posted_at timestamptz,
    primary key (seller_id, source_table, source_id)
);
comment on table finance.window_close_facts is
'What entries alone do not tell of the facts that a close saw: one row per fact without an entry, and per fact that was posted to the window because it came after the close it belonged to.';
create index window_close_facts_posted on finance.window_close_facts (posted_at)
where posted_at is not null;

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
    -- The seller's first order, of those known by the end of the window.
    first_ordered_at timestamptz not null,
    primary key (payout_window, seller_id)
);

do $$
declare
    table_name text;
begin
    foreach table_name in array array[
        'window_closes', 'window_close_rows', 'window_close_entries', 'window_close_facts',
        'window_close_health', 'wallet_checks'
    ] loop
        execute format(
            'create trigger append_only before update or delete or truncate on finance.%I'
            ' for each statement execute function finance.refuse_change()', table_name
        );
    end loop;
end;
$$;

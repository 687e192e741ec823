-- What a build hands over to the control functions. dbt's login puts rows in, and only the owner
-- reads them: code in a model never runs while the owner's functions do.

create schema handover;
comment on schema handover is
'What the last whole build of the live schemas computed, as rows of plain tables.';

create table handover.build (
    only_row boolean primary key default true check (only_row),
    as_of timestamptz not null,
    close_lag interval not null,
    settlement_timezone text not null,
    currency text not null,
    stored_until timestamptz not null,
    handed_over_at timestamptz not null default public.settle_now()
);
comment on table handover.build is
'At most one row: the build that everything else in this schema comes from.';

create table handover.windows (
    payout_window text primary key,
    window_starts_at timestamptz not null unique,
    window_ends_at timestamptz not null check (window_ends_at > window_starts_at),
    payout_due_at timestamptz not null check (payout_due_at > window_ends_at)
);

-- A window that ended before the build and has no stored close, with what its rows add up to.
create table handover.closes (
    payout_window text primary key references handover.windows on delete cascade,
    absorbed_disputes_minor bigint not null,
    row_count bigint not null,
    net_minor numeric not null,
    entry_count bigint not null,
    entry_minor numeric not null,
    fact_count bigint not null,
    health_count bigint not null
);
comment on table handover.closes is
'One row per window that can be closed from this build: how many rows it has and what they add up to, so that a part of them (after a crash of the server, say) is never stored.';

-- Unlogged: after a crash they are empty, the counts above disagree, and the answer is another build.
create unlogged table handover.close_rows (
    payout_window text not null,
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
    hold_reasons text[] not null,
    hold_detail text,
    primary key (payout_window, seller_id)
);
create unlogged table handover.close_entries (
    payout_window text not null,
    entry_type text not null,
    source_id text collate "C" not null,
    order_id text collate "C",
    seller_id text collate "C" not null,
    amount_minor bigint not null,
    occurred_at timestamptz not null,
    known_at timestamptz not null,
    available_at timestamptz not null
);
-- Handed over one window after another: a range of blocks is a window, at next to no cost.
create index close_entries_window on handover.close_entries using brin (payout_window);
create unlogged table handover.close_facts (
    payout_window text not null,
    source_table text not null,
    source_id text collate "C" not null,
    order_id text collate "C",
    seller_id text collate "C" not null,
    posted_at timestamptz,
    primary key (seller_id, source_table, source_id)
);
create unlogged table handover.close_health (
    payout_window text not null,
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
    first_ordered_at timestamptz not null,
    primary key (payout_window, seller_id)
);

create table handover.window_checks (
    payout_window text not null,
    check_name text not null,
    is_blocking boolean not null,
    is_passed boolean not null,
    detail text not null,
    primary key (payout_window, check_name)
);
create table handover.contradictions (
    payout_window text not null,
    seller_id text collate "C" not null,
    stored_minor bigint,
    computed_minor bigint,
    primary key (payout_window, seller_id)
);
create table handover.expected_fees (
    currency_code text primary key,
    pegged_to text not null,
    network_fee numeric not null,
    fee_rate numeric not null
);
-- The names under which people may put sellers.
create table handover.reserve_policies (
    policy text primary key,
    valid_from timestamptz not null
);
-- On which nobody is paid.
create table handover.payout_holidays (day date primary key);

-- Which wallets a seller ever named. Evidence: no rebuild and no restore of dbt's schemas loses it.
create table finance.wallet_sightings (
    sighting_id bigint generated always as identity,
    seller_id text collate "C" not null,
    wallet_address text collate "C" not null check (wallet_address <> ''),
    seen_at timestamptz not null default public.settle_now(),
    primary key (seller_id, sighting_id)
);
comment on table finance.wallet_sightings is
'One row per seller and change of wallet, as the marketplace''s own table had it, from when on it was seen. An emptied wallet is a gap and leaves no row. A row is paid only to a wallet its seller has here.';
create trigger append_only before update or delete or truncate on finance.wallet_sightings
for each statement execute function finance.refuse_change();

-- Where the marketplace's sellers are. Set by the owner from the project's variables.
alter table finance.installation
add column sellers_schema text not null default 'marketplace',
add column sellers_table text not null default 'sellers';

-- A marketplace that something else paid before, and sellers under a reserve policy of their own.

create table finance.go_lives (
    go_live_id bigint generated always as identity primary key,
    payout_window text not null,
    starts_at timestamptz not null,
    note text not null check (note <> ''),
    proposed_by text not null default session_user,
    proposed_at timestamptz not null default public.settle_now(),
    approved_by text,
    approved_at timestamptz,
    withdrawn_by text,
    withdrawn_at timestamptz,
    check (approved_by <> proposed_by),
    check ((approved_by is null) = (approved_at is null)),
    check ((withdrawn_by is null) = (withdrawn_at is null)),
    check (approved_at is null or withdrawn_at is null)
);
comment on table finance.go_lives is
'From which window on this marketplace is paid from here: proposed by one person, approved by another, once, before the first close. What was available before was settled elsewhere.';
create unique index go_lives_one_open on finance.go_lives ((true)) where withdrawn_at is null;

create table finance.opening_balances (
    go_live_id bigint not null references finance.go_lives,
    seller_id text collate "C" not null,
    amount_minor bigint not null check (amount_minor <> 0),
    primary key (seller_id, go_live_id)
);
comment on table finance.opening_balances is
'What whoever paid before still owed each seller (or was owed, negative) at the go-live, in minor units.';

create table finance.reserve_assignments (
    assignment_id bigint generated always as identity primary key,
    seller_id text collate "C" not null,
    policy text not null check (policy <> ''),
    note text not null check (note <> ''),
    -- Null for one that was entered alone.
    file_id bigint,
    assigned_by text not null default session_user,
    assigned_at timestamptz not null default public.settle_now(),
    approved_by text,
    approved_at timestamptz,
    withdrawn_by text,
    withdrawn_at timestamptz,
    check (approved_by <> assigned_by),
    check ((approved_by is null) = (approved_at is null)),
    check ((withdrawn_by is null) = (withdrawn_at is null)),
    check (approved_at is null or withdrawn_at is null)
);
comment on table finance.reserve_assignments is
'Which reserve policy a seller is under: entered by one person, approved by another. Orders placed from the approval on are under it, that instant included; never earlier ones.';
-- Of two at one instant neither came first.
create unique index reserve_assignments_seller on finance.reserve_assignments (seller_id, approved_at);
create index reserve_assignments_file on finance.reserve_assignments (file_id)
where file_id is not null;

create trigger immutable before update on finance.go_lives for each row
execute function finance.allow_columns('approved_by', 'approved_at', 'withdrawn_by', 'withdrawn_at');
create trigger immutable before update on finance.reserve_assignments for each row
execute function finance.allow_columns('approved_by', 'approved_at', 'withdrawn_by', 'withdrawn_at');

do $$
declare
    table_name text;
begin
    foreach table_name in array array['go_lives', 'reserve_assignments'] loop
        execute format(
            'create trigger no_delete before delete or truncate on finance.%I'
            ' for each statement execute function finance.refuse_change()', table_name
        );
    end loop;
    execute 'create trigger append_only before update or delete or truncate on finance.opening_balances'
        ' for each statement execute function finance.refuse_change()';
end;
$$;

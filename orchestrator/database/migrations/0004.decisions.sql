-- What people decide: limits, holds, blocked wallets, adjustments, approvals, pauses.

create table finance.policies (
    policy_id bigint generated always as identity primary key,
    name text not null check (name in ('dual_approval_above', 'maximum_line', 'minimum_line')),
    -- The rail of a minimum; empty for what holds on every rail.
    rail text not null default '',
    amount_minor bigint not null check (amount_minor >= 0),
    note text not null check (note <> ''),
    proposed_by text not null default session_user,
    proposed_at timestamptz not null default public.settle_now(),
    confirmed_by text,
    confirmed_at timestamptz,
    withdrawn_by text,
    withdrawn_at timestamptz,
    check ((name = 'minimum_line') = (rail <> '')),
    check (confirmed_by <> proposed_by),
    check ((confirmed_by is null) = (confirmed_at is null)),
    check ((withdrawn_by is null) = (withdrawn_at is null)),
    check (confirmed_at is null or withdrawn_at is null)
);
comment on table finance.policies is
'Limits on paying in minor units, proposed by one person and confirmed by another: a total above dual_approval_above takes two people, a line above maximum_line waits for a person, one below its rail''s minimum_line is carried forward. The newest confirmed row of a name and rail holds, from its confirmation on.';
insert into finance.policies (
    name, rail, amount_minor, note, proposed_by, proposed_at, confirmed_by, confirmed_at
)
select
    p.name,
    p.rail,
    p.amount_minor,
    'as installed' as note,
    'the installation' as proposed_by,
    timestamptz '1970-01-01 00:00:00+00' as proposed_at,
    'its defaults' as confirmed_by,
    timestamptz '1970-01-01 00:00:00+00' as confirmed_at
from (
    values
    ('dual_approval_above', '', 100000000),
    ('maximum_line', '', 25000000),
    ('minimum_line', 'ERC-20', 1000),
    ('minimum_line', 'SPL', 100),
    ('minimum_line', 'TRC-20', 500)
) as p (name, rail, amount_minor);

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
    -- The seller's wallet when it was released: another change since is another hold.
    wallet_address text collate "C" not null,
    note text not null check (note <> ''),
    released_by text not null default session_user,
    released_at timestamptz not null default public.settle_now()
);
create index hold_releases_seller on finance.hold_releases (payout_window, seller_id, reason);
comment on table finance.hold_releases is
'A person''s release of one hold reason of one seller, for one window.';

create table finance.wallet_blocks (
    block_id bigint generated always as identity primary key,
    wallet_address text collate "C" not null check (wallet_address <> ''),
    note text not null check (note <> ''),
    blocked_by text not null default session_user,
    blocked_at timestamptz not null default public.settle_now(),
    lifted_by text,
    lifted_at timestamptz,
    lift_note text,
    check ((lifted_by is null) = (lifted_at is null)),
    check (lifted_by <> blocked_by)
);
comment on table finance.wallet_blocks is
'Wallets that nothing is paid to, whoever names them; blocked by one person, lifted by another.';
create unique index wallet_blocks_one_standing on finance.wallet_blocks (wallet_address)
where lifted_at is null;

-- Rows that were entered from one file, as one decision, have one number.
create sequence finance.file_ids;

create table finance.adjustments (
    adjustment_id bigint generated always as identity primary key,
    seller_id text collate "C" not null,
    amount_minor bigint not null check (amount_minor <> 0),
    adjustment_type text not null default 'other'
    check (adjustment_type in ('goodwill', 'correction', 'write_off', 'other')),
    reason text not null check (reason <> ''),
    -- Null for one that was entered alone.
    file_id bigint,
    entered_by text not null default session_user,
    entered_at timestamptz not null default public.settle_now(),
    approved_by text,
    approved_at timestamptz,
    withdrawn_by text,
    withdrawn_at timestamptz,
    check (approved_by <> entered_by),
    check ((approved_by is null) = (approved_at is null)),
    check ((withdrawn_by is null) = (withdrawn_at is null)),
    check (approved_at is null or withdrawn_at is null)
);
comment on table finance.adjustments is
'Signed corrections to a seller''s balance in minor units, entered by one person and approved by another; available from the approval on.';

create index adjustments_file on finance.adjustments (file_id) where file_id is not null;

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
comment on table finance.approvals is
'Who approved which digest of a window and when. What it said is in approval_lines, for ever.';

create table finance.approval_lines (
    approval_id bigint not null references finance.approvals,
    seller_id text collate "C" not null,
    net_minor bigint not null check (net_minor > 0),
    rail text not null,
    rail_currency text not null,
    wallet_address text collate "C" not null,
    primary key (approval_id, seller_id)
);

create type finance.payable_set as (
    payout_window text, currency text, digest text, line_count bigint, total_minor numeric
);

create table finance.check_acceptances (
    acceptance_id bigint generated always as identity primary key,
    payout_window text not null references finance.window_closes,
    check_name text not null,
    -- What the check said: other figures are another failure, and another decision.
    detail text not null,
    note text not null check (note <> ''),
    accepted_by text not null default session_user,
    accepted_at timestamptz not null default public.settle_now(),
    unique (payout_window, check_name, detail, accepted_by)
);
comment on table finance.check_acceptances is
'A person''s word that a failed check of a window does not stop its payout; it takes two.';

create table finance.pauses (
    pause_id bigint generated always as identity primary key,
    note text not null check (note <> ''),
    paused_by text not null default session_user,
    paused_at timestamptz not null default public.settle_now()
);
create table finance.resumes (
    pause_id bigint not null references finance.pauses,
    note text not null check (note <> ''),
    resumed_by text not null default session_user,
    resumed_at timestamptz not null default public.settle_now(),
    primary key (pause_id, resumed_by)
);
comment on table finance.pauses is
'From each row on nothing is frozen or sent, until two people have resumed the latest one.';

create trigger immutable before update on finance.policies for each row
execute function finance.allow_columns('confirmed_by', 'confirmed_at', 'withdrawn_by', 'withdrawn_at');
create trigger immutable before update on finance.seller_holds for each row
execute function finance.allow_columns('lifted_by', 'lifted_at');
create trigger immutable before update on finance.wallet_blocks for each row
execute function finance.allow_columns('lifted_by', 'lifted_at', 'lift_note');
create trigger immutable before update on finance.adjustments for each row
execute function finance.allow_columns('approved_by', 'approved_at', 'withdrawn_by', 'withdrawn_at');
create trigger immutable before update on finance.approvals for each row
execute function finance.allow_columns('revoked_by', 'revoked_at');

do $$
declare
    table_name text;
begin
    foreach table_name in array array[
        'policies', 'seller_holds', 'wallet_blocks', 'adjustments', 'approvals'
    ] loop
        execute format(
            'create trigger no_delete before delete or truncate on finance.%I'
            ' for each statement execute function finance.refuse_change()', table_name
        );
    end loop;
    foreach table_name in array array[
        'hold_releases', 'approval_lines', 'check_acceptances', 'pauses', 'resumes'
    ] loop
        execute format(
            'create trigger append_only before update or delete or truncate on finance.%I'
            ' for each statement execute function finance.refuse_change()', table_name
        );
    end loop;
end;
$$;

-- A seller's name and wallets replaced by keyed pseudonyms, on request, by two people: once, in one
-- transaction, past the guards of what is append-only. The key is in no database.

create table finance.erasures (
    erasure_id bigint generated always as identity primary key,
    seller_id text collate "C" not null,
    note text not null check (note <> ''),
    proposed_by text not null default session_user,
    proposed_at timestamptz not null default public.settle_now(),
    approved_by text,
    approved_at timestamptz,
    withdrawn_by text,
    withdrawn_at timestamptz,
    -- In place of the name; the same for a seller, whatever they were called.
    pseudonym text collate "C" check (pseudonym ~ '^erased-[0-9a-f]{32}$'),
    -- Which key it was made with: a part of the key's SHA-256.
    key_id text check (key_id ~ '^[0-9a-f]{8}$'),
    -- The transaction that erased: the guards let this one through, and no other.
    erased_in bigint,
    check (approved_by <> proposed_by),
    check ((approved_by is null) = (approved_at is null)),
    check ((withdrawn_by is null) = (withdrawn_at is null)),
    check (approved_at is null or withdrawn_at is null),
    check (num_nulls(approved_by, pseudonym, key_id, erased_in) in (0, 4))
);
comment on table finance.erasures is
'One row per proposal to erase a seller''s name and wallets: proposed by one person, approved by another, and done with the approval.';
create unique index erasures_one_of_a_seller on finance.erasures (seller_id)
where withdrawn_at is null;
create trigger immutable before update on finance.erasures for each row
when (old.approved_by is null and old.withdrawn_by is null)
execute function finance.allow_columns(
    'approved_by', 'approved_at', 'withdrawn_by', 'withdrawn_at', 'pseudonym', 'key_id', 'erased_in'
);
-- What was decided stays.
create trigger decided before update on finance.erasures for each row
when (old.approved_by is not null or old.withdrawn_by is not null)
execute function finance.refuse_change();
create trigger no_delete before delete or truncate on finance.erasures
for each statement execute function finance.refuse_change();

create table finance.erasure_seals (
    erasure_id bigint not null references finance.erasures,
    relation text not null,
    column_name text not null,
    row_key jsonb not null,
    -- HMAC of what stood there: whoever has the key can show that a value was it.
    seal bytea not null check (length(seal) = 32),
    primary key (erasure_id, relation, column_name, row_key)
);
comment on table finance.erasure_seals is
'One row per digest or hash that an erasure replaced, as it was of a text with a wallet in it: a keyed hash of the old one. Append-only.';
create trigger append_only before update or delete or truncate on finance.erasure_seals
for each statement execute function finance.refuse_change();

-- Where names and wallets are, and in what form.
create table finance.erasable_columns (
    relation regclass not null,
    column_name text not null,
    -- wallet: nothing else is in it. text: people's or the rail's words. json: a document. hash: of a
    -- text that has a wallet. mark: that the text went.
    content text not null check (content in ('wallet', 'text', 'json', 'hash', 'mark')),
    primary key (relation, column_name)
);
comment on table finance.erasable_columns is
'One row per column of the append-only tables that an erasure may change, and what is in it.';
insert into finance.erasable_columns (relation, column_name, content)
select
    c.relation::regclass,
    c.column_name,
    c.content
from (
    values
    ('finance.window_close_rows', 'wallet_address', 'wallet'),
    ('finance.window_close_rows', 'hold_detail', 'text'),
    ('finance.wallet_sightings', 'wallet_address', 'wallet'),
    ('finance.wallet_sightings', 'account', 'wallet'),
    ('finance.approval_lines', 'wallet_address', 'wallet'),
    ('finance.approvals', 'digest', 'hash'),
    ('finance.hold_releases', 'wallet_address', 'wallet'),
    ('finance.hold_releases', 'note', 'text'),
    ('finance.seller_holds', 'note', 'text'),
    ('finance.adjustments', 'reason', 'text'),
    ('finance.reserve_assignments', 'note', 'text'),
    ('finance.link_revocations', 'note', 'text'),
    ('finance.line_resolutions', 'note', 'text'),
    ('finance.wallet_checks', 'wallet_address', 'wallet'),
    ('finance.wallet_checks', 'account', 'wallet'),
    ('finance.wallet_checks', 'detail', 'text'),
    ('finance.wallet_checks', 'is_valid', 'mark'),
    ('finance.wallet_blocks', 'wallet_address', 'wallet'),
    ('finance.wallet_blocks', 'account', 'wallet'),
    ('finance.wallet_blocks', 'note', 'text'),
    ('finance.wallet_blocks', 'lift_note', 'text'),
    ('finance.erasures', 'note', 'text'),
    ('finance.pauses', 'note', 'text'),
    ('finance.resumes', 'note', 'text'),
    ('finance.check_acceptances', 'detail', 'text'),
    ('finance.check_acceptances', 'note', 'text'),
    ('finance.batch_rejections', 'note', 'text'),
    ('finance.batch_withdrawals', 'note', 'text'),
    ('finance.break_closings', 'note', 'text'),
    ('finance.breaks', 'detail', 'text'),
    ('finance.breaks', 'close_note', 'text'),
    ('finance.alerts', 'message', 'text'),
    ('finance.payout_batches', 'digest', 'hash'),
    ('finance.payout_batches', 'state_note', 'text'),
    ('finance.payout_calls', 'body', 'text'),
    ('finance.payout_calls', 'body_sha256', 'hash'),
    ('finance.call_attempts', 'response', 'text'),
    ('finance.call_attempts', 'response_sha256', 'hash'),
    ('finance.payout_lines', 'wallet_address', 'wallet'),
    ('finance.payout_lines', 'tx_hash', 'text'),
    ('finance.payout_lines', 'failure_reason', 'text'),
    ('finance.line_events', 'detail', 'text'),
    ('finance.events', 'data', 'json'),
    ('finance.events', 'data_sha256', 'hash'),
    ('halfin.webhook_events', 'body', 'json'),
    ('halfin.webhook_events', 'payload', 'json'),
    ('halfin.webhook_events', 'body_sha256', 'hash'),
    ('halfin.webhook_events', 'pruned_at', 'mark')
) as c (relation, column_name, content);
create trigger append_only before update or delete or truncate on finance.erasable_columns
for each statement execute function finance.refuse_change();

-- A guard of statements cannot tell one update from another: of these tables each row is looked at.
do $$
declare
    v_table regclass;
begin
    for v_table in
        select t.tgrelid from pg_trigger as t
        where t.tgname = 'append_only' and (t.tgtype & 16) <> 0
        and t.tgrelid in (select c.relation from finance.erasable_columns as c)
        and t.tgrelid <> 'finance.erasable_columns'::regclass
    loop
        execute format('drop trigger append_only on %s', v_table);
        execute format(
            'create trigger append_only before delete or truncate on %s'
            ' for each statement execute function finance.refuse_change()', v_table
        );
        execute format(
            'create trigger only_erase before update on %s'
            ' for each row execute function finance.refuse_change()', v_table
        );
    end loop;
end;
$$;
-- What a seller still has to come, as the last build computed it: who has anything is not erased.
create table handover.open_balances (
    seller_id text collate "C" primary key,
    pending numeric(18, 2) not null,
    available numeric(18, 2) not null,
    disputed numeric(18, 2) not null
);
comment on table handover.open_balances is
'One row per seller with a balance, money in reserve or an open dispute in the last build.';

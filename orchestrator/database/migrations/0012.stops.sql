-- What people take back before it was ever sent, and breaks that two people close.

create table finance.batch_withdrawals (
    withdrawal_id bigint generated always as identity primary key,
    batch_id bigint not null references finance.payout_batches,
    note text not null check (note <> ''),
    withdrawn_by text not null default session_user,
    withdrawn_at timestamptz not null default public.settle_now()
);
create index batch_withdrawals_batch on finance.batch_withdrawals (batch_id);
comment on table finance.batch_withdrawals is
'Who took back what of a batch was never sent, and why; its lines are their sellers'' balance again.';

create table finance.break_closings (
    break_id bigint not null references finance.breaks,
    note text not null check (note <> ''),
    closed_by text not null default session_user,
    closed_at timestamptz not null default public.settle_now(),
    primary key (break_id, closed_by)
);
comment on table finance.break_closings is
'People''s word on a break that holds its seller: two close it, and it counts as their release.';

create trigger append_only before update or delete or truncate on finance.batch_withdrawals
for each statement execute function finance.refuse_change();
create trigger append_only before update or delete or truncate on finance.break_closings
for each statement execute function finance.refuse_change();

alter table finance.line_events drop constraint line_events_kind_check;
alter table finance.line_events add constraint line_events_kind_check check (kind in (
    'frozen', 'submitted', 'completed', 'failed', 'failure_confirmed', 'refused', 'rejected',
    'withdrawn', 'completed_after_failed', 'completed_after_rejected'
));

create table finance.function_fingerprints (
    function_name text primary key,
    fingerprint text not null
);
comment on table finance.function_fingerprints is
'Each function of ours as it was applied: owner, rights, settings and source, as one SHA-256.';

-- They return something else now.
drop function if exists finance.close_break(bigint, text);

-- Reserve policies that a close puts flagged sellers under, and lifts; sellers are told of each change.

create table finance.flag_assignments (
    flag_assignment_id bigint generated always as identity primary key,
    payout_window text not null references finance.window_closes,
    seller_id text collate "C" not null,
    -- Null where it was lifted.
    policy text check (policy <> ''),
    review_reasons text[] not null,
    applies_from timestamptz not null,
    unique (seller_id, payout_window),
    check ((policy is null) = (cardinality(review_reasons) = 0))
);
comment on table finance.flag_assignments is
'One row per seller and close that put them under a reserve policy because of review reasons, or lifted it. Orders placed from applies_from on are under it, never earlier ones. Append-only: the close alone writes it.';
create trigger append_only before update or delete or truncate on finance.flag_assignments
for each statement execute function finance.refuse_change();

create table handover.flag_policies (
    payout_window text not null,
    seller_id text collate "C" not null,
    policy text not null,
    review_reasons text[] not null,
    primary key (payout_window, seller_id)
);

-- What people decide about a seller's reserve is of no window.
alter table finance.events
drop constraint events_event_type_check,
alter column payout_window drop not null,
add constraint events_event_type_check check (event_type in (
    'payout.held', 'payout.submitted', 'payout.paid', 'payout.failed', 'payout.returned',
    'reserve.released', 'reserve.policy_changed'
)),
add constraint events_window check (
    payout_window is not null or event_type = 'reserve.policy_changed'
);

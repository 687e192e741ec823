-- What happens to one line: it can be sent back by its receiver after it was paid.
alter table finance.payout_lines drop constraint payout_lines_state_check;
alter table finance.payout_lines add constraint payout_lines_state_check
check (state in ('frozen', 'submitted', 'completed', 'failed', 'returned', 'rejected'));
-- Only money that left and is back is returned.
alter table finance.payout_lines add constraint payout_lines_returned_is_back
check (state <> 'returned' or (returned_at is not null and retaken_at is null));

alter table finance.line_events drop constraint line_events_kind_check;
alter table finance.line_events add constraint line_events_kind_check check (kind in (
    'frozen', 'submitted', 'completed', 'failed', 'failure_confirmed', 'refused', 'rejected',
    'withdrawn', 'completed_after_failed', 'completed_after_rejected', 'completed_after_returned',
    'returned', 'resolved'
));

-- Shows more than it did.
drop function if exists finance.open_lookups();

create table finance.line_resolutions (
    line_resolution_id bigint generated always as identity primary key,
    line_id text not null references finance.payout_lines,
    outcome text not null check (outcome in ('failed', 'returned', 'completed')),
    -- As the line was: what was said of another state of it counts no more.
    line_state text not null,
    note text not null check (note <> ''),
    resolved_by text not null default session_user,
    resolved_at timestamptz not null default public.settle_now()
);
create index line_resolutions_line on finance.line_resolutions (line_id);
comment on table finance.line_resolutions is
'One row per word of a person who asked the rail, on what became of one line; two people who agree decide it.';
create trigger append_only before update or delete or truncate on finance.line_resolutions
for each statement execute function finance.refuse_change();

-- Of a payout that the rail has in our name and no line of ours: the window that its key names.
alter table finance.breaks add column payout_window text;
create index breaks_payout_window on finance.breaks (payout_window)
where payout_window is not null and closed_at is null;

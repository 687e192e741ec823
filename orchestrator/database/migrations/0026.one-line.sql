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
    'returned'
));

-- Shows more than it did.
drop function if exists finance.open_lookups();

-- Of a refused call only the lines that the rail named fail: the others go into another call.
alter table finance.payout_calls add column follows integer;
comment on column finance.payout_calls.follows is
'The refused call of the same batch whose other lines this one sends; null for a call of the freeze.';
-- Fewer lines in each round, and one call that goes on from a refused one: a batch comes to its end.
alter table finance.payout_calls
add constraint payout_calls_follows foreign key (batch_id, follows)
references finance.payout_calls (batch_id, sequence),
add constraint payout_calls_follows_once unique (batch_id, follows),
add constraint payout_calls_follows_earlier check (follows < sequence);

-- A line changes its call by the rule of finance.check_line_call only.
drop trigger immutable on finance.payout_lines;
create trigger immutable before update on finance.payout_lines for each row
execute function finance.allow_columns(
    'state', 'payout_id', 'rail_status', 'tx_hash', 'network_fee', 'fee_amount', 'failure_code',
    'failure_reason', 'outcome_at', 'returned_at', 'retaken_at', 'call_sequence'
);

alter table finance.line_events drop constraint line_events_kind_check;
alter table finance.line_events add constraint line_events_kind_check check (kind in (
    'frozen', 'submitted', 'completed', 'failed', 'failure_confirmed', 'refused', 'rejected',
    'withdrawn', 'completed_after_failed', 'completed_after_rejected', 'completed_after_returned',
    'returned', 'resolved', 'next_call'
));

-- Which close a read of the rail's ledger has seen: windows, not instants, as a clock may be moved.
alter table halfin.ledger_reads
add column read_close text,
add column compared_close text;
comment on column halfin.ledger_reads.read_close is
'The latest stored close when the ledger was read last; null where there was none.';
comment on column halfin.ledger_reads.compared_close is
'The same of the last read that was compared with our lines: the window whose payout it allows.';
create or replace trigger immutable before update on halfin.ledger_reads for each row
execute function finance.allow_columns('read_at', 'read_close', 'compared_close');

-- As the line stood when it was said: its last event, and its newest open break, 0 where it had none.
-- Words of before have neither, and count no more.
alter table finance.line_resolutions
add column event_id bigint,
add column open_break_id bigint;

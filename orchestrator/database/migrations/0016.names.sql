-- Plain names. The functions are made again under theirs.
alter table finance.answer_pieces rename to response_chunks;
alter table finance.response_chunks rename column piece to chunk;
comment on table finance.response_chunks is
'A response on its way in, chunk by chunk within one transaction; empty to everybody else.';

drop function if exists
finance.pause_line(), finance.standing_pause(), finance.in_brief(text), finance.readable(bytea),
finance.is_unsent(text), finance.require_person(), finance.payouts_of(jsonb),
finance.take_piece(bigint, integer, integer, bytea),
finance.answer_line(finance.payout_batches, text, finance.call_attempts),
finance.refused_line(bigint, integer, text),
finance.refuse_call(finance.payout_batches, finance.payout_calls, jsonb),
finance.accept_call(finance.payout_calls, jsonb),
finance.meaning(finance.call_attempts),
finance.verdict(finance.payout_calls, finance.call_attempts);

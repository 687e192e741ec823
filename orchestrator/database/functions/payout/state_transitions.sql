-- Which state of a batch, a call or a line may follow which, and what brings it about.
delete from finance.state_transitions;
insert into finance.state_transitions (object, from_state, to_state, event)
values
('batch', null, 'frozen', 'freeze'),
('batch', 'frozen', 'submitting', 'an attempt begins'),
('batch', 'frozen', 'rejected', 'a person withdraws it, nothing was sent'),
('batch', 'frozen', 'accepted', 'a person withdraws it, and an earlier attempt had paid of it, or people decide the last line'),
('batch', 'submitting', 'accepted', 'every call has its response, one is accepted'),
('batch', 'submitting', 'rejected', 'every call is rejected'),
('batch', 'submitting', 'unknown', 'a response cannot be trusted'),
('batch', 'unknown', 'submitting', 'the next attempt begins'),
('batch', 'unknown', 'accepted', 'another attempt under way has its response, or people decide each line'),
('batch', 'unknown', 'rejected', 'two people declare it or decide each line, or one withdraws what was never read'),
('call', null, 'ready', 'freeze, or it sends what a refused call did not name'),
('call', 'ready', 'sending', 'an attempt begins'),
('call', 'ready', 'accepted', 'a restore forgot that it was sent, and people decide the last line'),
('call', 'ready', 'rejected', 'a person withdraws it, or two declare its batch rejected or decide each line'),
('call', 'sending', 'accepted', 'the response names its payouts'),
('call', 'sending', 'rejected', 'a clear 400, and no earlier attempt can have been read'),
('call', 'sending', 'unknown', 'a response cannot be trusted'),
('call', 'unknown', 'sending', 'the next attempt begins, same bytes, same key'),
('call', 'unknown', 'accepted', 'another attempt under way has its response, or people decide each line'),
('call', 'unknown', 'rejected', 'two people declare it or decide each line, or one withdraws what was never read'),
('line', null, 'frozen', 'freeze'),
('line', 'frozen', 'submitted', 'the rail names its payout'),
('line', 'frozen', 'completed', 'a webhook comes before the response, or two people say so'),
('line', 'frozen', 'failed', 'a webhook comes before the response, the rail refuses it in one call of several, or two people say so'),
('line', 'frozen', 'rejected', 'its batch is rejected, or its call withdrawn'),
('line', 'submitted', 'completed', 'webhook or look-up, everything matches, or two people say so'),
('line', 'submitted', 'failed', 'webhook or look-up, everything matches, or two people say so'),
('line', 'failed', 'completed', 'it completed late'),
('line', 'rejected', 'completed', 'it was paid after all, whatever people said'),
('line', 'completed', 'returned', 'its receiver sent it back: the rail, asked, or two people say so'),
('line', 'returned', 'completed', 'it was paid after all'),
('line', 'failed', 'rejected', 'every other call of its batch is rejected too');

create or replace function finance.check_transition() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not exists (
        select from finance.state_transitions as t
        where t.object = tg_argv[0] and t.from_state = old.state and t.to_state = new.state
    ) then
        raise exception 'a % that is % cannot become %: see finance.state_transitions', tg_argv[0],
            old.state, new.state;
    end if;
    return new;
end;
$$;

-- Once for all rows of a statement: a freeze writes many.
create or replace function finance.check_first_state() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_state text;
begin
    select c.state into v_state from created as c
    where c.state not in (
        select t.to_state from finance.state_transitions as t
        where t.object = tg_argv[0] and t.from_state is null
    )
    limit 1;
    if found then
        raise exception 'a % cannot begin as %: see finance.state_transitions', tg_argv[0], v_state;
    end if;
    return null;
end;
$$;

create or replace trigger check_transition before update on finance.payout_batches for each row
when (old.state is distinct from new.state) execute function finance.check_transition('batch');
create or replace trigger check_transition before update on finance.payout_calls for each row
when (old.state is distinct from new.state) execute function finance.check_transition('call');
create or replace trigger check_transition before update on finance.payout_lines for each row
when (old.state is distinct from new.state) execute function finance.check_transition('line');
create or replace trigger check_first_state after insert on finance.payout_batches
referencing new table as created
for each statement execute function finance.check_first_state('batch');
create or replace trigger check_first_state after insert on finance.payout_calls
referencing new table as created
for each statement execute function finance.check_first_state('call');
create or replace trigger check_first_state after insert on finance.payout_lines
referencing new table as created
for each statement execute function finance.check_first_state('line');

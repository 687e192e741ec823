-- Where a seller's row of a window stands, as people and sellers read it. Plain, so that Postgres puts
-- it into the query that asks. p_line_state: of the line that was not rejected, null without one.
create or replace function finance.payout_status(
    p_is_closed boolean, p_line_state text, p_is_held boolean, p_is_newer_closed boolean
) returns text
language sql immutable parallel safe as $$
    select case
        when not p_is_closed then 'open'
        when p_line_state = 'completed' then 'paid'
        when p_line_state = 'frozen' then 'submitted'
        when p_line_state is not null then p_line_state
        -- The amount moved on, also where something held it: it waits in the newest window only.
        when p_is_newer_closed then 'rolled_forward'
        when p_is_held then 'held'
        else 'ready'
    end
$$;
comment on function finance.payout_status(boolean, text, boolean, boolean) is
'open, paid, returned (paid, and sent back since), submitted, failed, rolled_forward (a newer window carries the amount), held or ready.';

-- Money that comes back, or is taken from a balance again, belongs to the window of that instant: one
-- whose close is stored never gains any.

-- The clock as it moves within a transaction, which may have waited since it began.
create or replace function finance.this_instant() returns timestamptz
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce((select c.now_at from finance.clock as c), clock_timestamp())
$$;
comment on function finance.this_instant() is
'The clock as it moves within a transaction; settle_now() shows when that began.';

create or replace function finance.refuse_late_return() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    -- A close that is being stored is waited for, and later ones wait for this.
    perform from finance.locks as l where l.lock_name = 'decisions' for share;
    if exists (
        select from finance.window_closes as c
        where c.window_ends_at > greatest(new.returned_at, new.retaken_at)
    ) then
        raise exception 'a window was closed while the payout of seller % in % came back: nothing was recorded, run it again',
            new.seller_id, new.payout_window;
    end if;
    return null;
end;
$$;

-- At the end of the transaction, whatever it waited for before.
drop trigger if exists returned_in_time on finance.payout_lines;
create constraint trigger returned_in_time after update on finance.payout_lines
deferrable initially deferred for each row
when ((new.returned_at, new.retaken_at) is distinct from (old.returned_at, old.retaken_at))
execute function finance.refuse_late_return();

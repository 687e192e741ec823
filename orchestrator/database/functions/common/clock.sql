-- Who may move the clock, and what the installation is for.

create or replace function finance.guard_clock() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if (select i.environment from finance.installation as i) = 'production' then
        raise exception 'the clock is locked in production: unset SETTLE_NOW';
    end if;
    return new;
end;
$$;

create or replace trigger guard_clock before insert or update on finance.clock
for each row execute function finance.guard_clock();

create or replace function finance.set_environment(p_environment text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_current text := (select i.environment from finance.installation as i);
begin
    if v_current = p_environment then
        return;
    end if;
    if v_current = 'production' then
        raise exception 'this database is production and stays so: SETTLE_ENV is %, use another database',
            p_environment;
    end if;
    if p_environment = 'production' and finance.copy_message() is not null then
        raise exception '%: it never becomes production', finance.copy_message();
    end if;
    -- Nobody ever gets the money of a test, and a call whose response is open would be sent for real.
    if p_environment = 'production' and exists (
        select from finance.payout_lines as l
        where (l.returned_at is null or l.retaken_at is not null)
        and finance.was_sent(l.batch_id, l.call_sequence)
    ) then
        raise exception 'this database has sent payouts in %: their sellers would count as paid; start production with a database of its own',
            v_current;
    end if;
    if p_environment = 'production' then
        delete from finance.clock;
    end if;
    update finance.installation set environment = p_environment;
end;
$$;

-- As all others here: a temporary type or relation of the caller's is the last that a name finds.
do $$
declare
    v_function text;
begin
    foreach v_function in array array[
        'public.settle_now()', 'finance.tron_address(text)', 'finance.wallet_account(text)'
    ] loop
        execute format(
            'alter function %s set search_path = pg_catalog, pg_temp', v_function::regprocedure
        );
    end loop;
end;
$$;

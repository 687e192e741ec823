-- What an installation never becomes again: production without its id, or no copy.

create or replace function finance.guard_installation() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if old.copied_from is not null
        and (new.copied_from, new.copied_at, new.installation_id)
        is distinct from (old.copied_from, old.copied_at, old.installation_id) then
        raise exception 'this database is a copy of installation % and stays one', old.copied_from;
    end if;
    if old.environment = 'production'
        and (new.environment, new.installation_id)
        is distinct from (old.environment, old.installation_id)
        and new.copied_from is distinct from old.installation_id then
        raise exception 'this database is production and stays so, under its own id';
    end if;
    return new;
end;
$$;
create or replace trigger guard_installation before update on finance.installation
for each row execute function finance.guard_installation();
create or replace trigger no_delete before delete or truncate on finance.installation
for each statement execute function finance.refuse_change();

create or replace function finance.declare_copy() returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_from text;
begin
    update finance.installation
    set
        copied_from = installation_id, copied_at = clock_timestamp(),
        installation_id = gen_random_uuid()::text, environment = 'development'
    where environment = 'production'
    returning copied_from into v_from;
    if v_from is null then
        raise exception 'only production has copies that must not pay, and this database is not production';
    end if;
    return v_from;
end;
$$;
comment on function finance.declare_copy() is
'Makes this database a copy of production, for good: another id, no production, and no payment. Returns the id of the original. For the owner alone.';

create or replace function finance.copy_message() returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select format('this database is a copy of installation %s and pays nobody', i.copied_from)
    from finance.installation as i where i.copied_from is not null
$$;
comment on function finance.copy_message() is 'Why a copy pays nobody, in one line; null where this is not a copy.';

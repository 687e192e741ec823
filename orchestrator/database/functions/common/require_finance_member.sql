-- Who may decide about money, one decision at a time.

-- Refuses in one line everybody who may not decide about money; returns the login.
create or replace function finance.require_finance_member() returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    perform finance.require_plain_call();
    if (select r.rolsuper from pg_catalog.pg_roles as r where r.rolname = session_user)
        or pg_has_role(session_user, 'settle_owner', 'member') then
        raise exception '% is an owner of the database and may not decide about payouts: use a personal login',
            session_user;
    end if;
    if not pg_has_role(session_user, 'settle_finance', 'member') then
        raise exception '% is not in the finance group: ask for settle user add % --group finance',
            session_user, session_user;
    end if;
    return session_user;
end;
$$;
comment on function finance.require_finance_member() is
'Raises unless the login may decide about payouts; returns it.';

-- One decision at a time, and none while a window is stored or frozen. What was committed while
-- this waited must be seen afterwards, which an older snapshot would not.
create or replace function finance.lock_decisions() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'payouts are decided in read committed transactions, this one is %: change default_transaction_isolation',
            current_setting('transaction_isolation');
    end if;
    perform finance.hold_lock('decisions');
end;
$$;
comment on function finance.lock_decisions() is
'Waits until no other decision, close or freeze is under way, and keeps them out until the transaction ends.';

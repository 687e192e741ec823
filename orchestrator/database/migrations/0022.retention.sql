-- How long raw texts of the rail's are kept. What was read from them stays, with their hashes.

-- A row of which only the raw text may go, once, and not before half a year. Arguments: the column
-- with its age, the columns that are emptied, and those that keep what was read from them.
create function finance.only_prune() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_old jsonb := to_jsonb(old);
    v_new jsonb := to_jsonb(new);
    v_emptied text[] := string_to_array(tg_argv[1], ',');
    v_kept text[] := string_to_array(tg_argv[2], ',');
begin
    if v_new - v_emptied - v_kept - 'pruned_at' is distinct from v_old - v_emptied - v_kept - 'pruned_at'
        or v_old ->> 'pruned_at' is not null or v_new ->> 'pruned_at' is null
        or exists (select from unnest(v_emptied) as e (name) where v_new ->> e.name is not null)
        or exists (
            select from unnest(v_kept) as k (name)
            where v_old ->> k.name is not null and v_new ->> k.name is distinct from v_old ->> k.name
        )
        or (v_old ->> tg_argv[0])::timestamptz > public.settle_now() - interval '6 months' then
        raise exception '%.% is append-only: update refused; record a new row instead',
            tg_table_schema, tg_table_name;
    end if;
    return new;
end;
$$;

-- The hash outlives the body that it is of; from here on a trigger sets it.
alter table halfin.webhook_events
alter column body_sha256 drop expression,
alter column body_sha256 set not null,
alter column body drop not null,
add column pruned_at timestamptz,
add constraint webhook_events_pruned check ((body is null) = (pruned_at is not null));
create index webhook_events_raw on halfin.webhook_events (received_at) where body is not null;

alter table halfin.balance_reads
alter column body drop not null,
add column body_sha256 bytea,
add column available jsonb,
add column pruned_at timestamptz,
add constraint balance_reads_pruned check ((body is null) = (pruned_at is not null));
create index balance_reads_raw on halfin.balance_reads (read_at) where body is not null;
comment on column halfin.balance_reads.available is
'By currency what the rail had for us, kept when the body goes.';

alter table finance.call_attempts
add column response_sha256 bytea,
add column pruned_at timestamptz,
add constraint call_attempts_pruned check (pruned_at is null or response is null);
create index call_attempts_raw on finance.call_attempts (ended_at) where response is not null;

drop trigger append_only on halfin.webhook_events;
drop trigger append_only on halfin.balance_reads;
create trigger append_only before delete or truncate on halfin.webhook_events
for each statement execute function finance.refuse_change();
create trigger append_only before delete or truncate on halfin.balance_reads
for each statement execute function finance.refuse_change();
create trigger only_prune before update on halfin.webhook_events for each row
execute function finance.only_prune('received_at', 'body,payload', '');
create trigger only_prune before update on halfin.balance_reads for each row
execute function finance.only_prune('read_at', 'body', 'body_sha256,available');

-- What an attempt came to is written once, at its end.
drop trigger immutable on finance.call_attempts;
create trigger immutable before update on finance.call_attempts for each row
when (old.ended_at is null)
execute function finance.allow_columns(
    'http_status', 'was_sent', 'request_id', 'response', 'ended_at'
);
create trigger only_prune before update on finance.call_attempts for each row
when (old.ended_at is not null)
execute function finance.only_prune('ended_at', 'response', 'response_sha256');

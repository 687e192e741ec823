-- What the rail says it holds for us, each time it was asked.

create table halfin.balance_reads (
    balance_read_id bigint generated always as identity primary key,
    body bytea not null,
    read_at timestamptz not null default public.settle_now()
);
comment on table halfin.balance_reads is
'One row per answer of the rail to GET balances, raw; the latest is what is funded.';

create trigger append_only before update or delete or truncate on halfin.balance_reads
for each statement execute function finance.refuse_change();

-- What processors' reports were imported, and what they came to.

create table finance.imports (
    import_id bigint generated always as identity primary key,
    format text not null,
    file_name text not null,
    file_sha256 bytea not null check (length(file_sha256) = 32),
    row_count bigint not null check (row_count >= 0),
    -- As the caller said it: whose fees, time zone, whom a row belongs to.
    options jsonb not null,
    imported_by text not null default session_user,
    imported_at timestamptz not null default public.settle_now()
);
comment on table finance.imports is
'One row per report of a processor whose import stored something: the file by its hash, who and when. Append-only.';
create index imports_file on finance.imports (file_sha256);

create table finance.import_totals (
    import_id bigint not null references finance.imports,
    row_type text not null,
    -- A source table, or: not for sellers.
    becomes text not null,
    reason text,
    currency text not null,
    part_count bigint not null check (part_count > 0),
    -- What they add to the processor's balance, in whole units of the currency.
    amount numeric not null,
    check ((becomes = 'not for sellers') = (reason is not null)),
    unique nulls not distinct (import_id, row_type, becomes, reason, currency)
);
comment on table finance.import_totals is
'One row per import, type of row and what became of it; they add up to the report''s own total. Append-only.';

do $$
declare
    table_name text;
begin
    foreach table_name in array array['imports', 'import_totals'] loop
        execute format(
            'create trigger append_only before update or delete or truncate on finance.%I'
            ' for each statement execute function finance.refuse_change()', table_name
        );
    end loop;
end;
$$;

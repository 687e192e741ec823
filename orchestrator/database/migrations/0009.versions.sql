-- What was applied to this database, so that an older checkout and an edited file are noticed.
create table finance.applied_migrations (
    migration_id text primary key,
    sha256 text not null,
    applied_at timestamptz not null default now()
);
comment on table finance.applied_migrations is 'The SHA-256 of each migration as it was applied.';

create table finance.applied_versions (
    sha256 text primary key,
    version text not null,
    applied_at timestamptz not null default now()
);
comment on table finance.applied_versions is
'Every set of roles and functions that was ever in force here; none comes back.';

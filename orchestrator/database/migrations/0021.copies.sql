-- A copy of a production database, on another server or restored beside it: it never pays.

alter table finance.installation
add column copied_from text,
add column copied_at timestamptz,
add constraint installation_copy check (
    (copied_from is null) = (copied_at is null)
    and (copied_from is null or environment <> 'production')
    and copied_from <> installation_id
);
comment on column finance.installation.copied_from is
'The installation that this database is a copy of; null for one that is its own. A copy stays one.';

-- Links to sellers' pages that no longer show anything, each seller's up to an instant.

create table finance.link_revocations (
    revocation_id bigint generated always as identity primary key,
    seller_id text collate "C" not null,
    note text not null check (note <> ''),
    revoked_by text not null default session_user,
    -- By the real clock, as links are issued: no clock of a test moves them.
    revoked_at timestamptz not null default clock_timestamp()
);
create index link_revocations_seller on finance.link_revocations (seller_id, revoked_at);
comment on table finance.link_revocations is
'One row per revocation: every link to the seller''s pages issued until then is refused.';

create trigger append_only before update or delete or truncate on finance.link_revocations
for each statement execute function finance.refuse_change();

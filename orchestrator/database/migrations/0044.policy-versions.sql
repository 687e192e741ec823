-- What a close used of the seeds whose rows apply from an instant on: a policy never reaches back.

create table finance.policy_versions (
    seed text not null,
    name text not null,
    valid_from timestamptz not null,
    terms jsonb not null,
    -- The first close that used it.
    payout_window text not null references finance.window_closes,
    primary key (seed, name, valid_from)
);
comment on table finance.policy_versions is
'One row per row of a seed of policies that was in force at a stored close, as that close had it. Append-only: a build whose seeds say otherwise is refused.';
create trigger append_only before update or delete or truncate on finance.policy_versions
for each statement execute function finance.refuse_change();

-- The same rows as the last build has them.
create table handover.policy_rows (
    seed text not null,
    name text not null,
    valid_from timestamptz not null,
    terms jsonb not null,
    primary key (seed, name, valid_from)
);

-- What was applied is kept in words, and not of functions alone: who changed a table, a constraint, a
-- trigger or a grant is noticed, and what was there can be put back.
drop table finance.function_fingerprints;
create table finance.applied_definitions (
    object_name text primary key,
    kind text not null check (kind in ('function', 'table', 'constraint', 'trigger', 'grants')),
    definition text not null
);
comment on table finance.applied_definitions is
'Each function (as a SHA-256), table, constraint, trigger and grant of ours as it was applied.';

-- It returns other columns now.
drop function if exists finance.functions_in_force();

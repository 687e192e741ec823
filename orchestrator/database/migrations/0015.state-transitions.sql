-- Which state may follow which. The rows are in functions/payout/state_transitions.sql.
create table finance.state_transitions (
    object text not null check (object in ('batch', 'call', 'line')),
    -- Null where it comes to be.
    from_state text,
    to_state text not null,
    event text not null check (event <> ''),
    unique nulls not distinct (object, from_state, to_state)
);
comment on table finance.state_transitions is
'One row per transition that a batch, a call or a line may make, with what brings it about. A trigger refuses all others.';

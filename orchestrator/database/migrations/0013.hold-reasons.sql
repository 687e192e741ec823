-- What may hold a payout. The reasons themselves are in functions/approval/hold_reasons.sql.
create table finance.hold_reasons (
    reason text primary key,
    hold_rank integer not null unique deferrable,
    is_live boolean not null,
    is_releasable boolean not null,
    seller_message text not null check (seller_message <> '')
);
comment on table finance.hold_reasons is
'One row per reason that can hold a payout: its place when several apply (the first is shown), whether it can arise after the close, whether a person may release it, and what the seller reads.';

drop function if exists finance.hold_rank(text);

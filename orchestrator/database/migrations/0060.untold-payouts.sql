-- What the rail, asked, did not tell of a payout that its own ledger shows and no line has.
create table halfin.untold_payouts (
    payout_id text primary key,
    http_status integer not null,
    asked_at timestamptz not null default public.settle_now()
);
comment on table halfin.untold_payouts is
'One row per payout of the rail''s ledger of which the rail, asked, told nothing: with its first answer.';
create trigger append_only before update or delete or truncate on halfin.untold_payouts
for each statement execute function finance.refuse_change();

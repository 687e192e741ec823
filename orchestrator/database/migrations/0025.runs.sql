-- A window is paid in runs: the payout day's, and others for rows that became ready since. Each has an
-- approval and a digest of its own.

alter table finance.approvals add column run integer not null default 1 check (run > 0);
alter table finance.approvals alter column run drop default;
drop index finance.approvals_one_standing;
create unique index approvals_one_current on finance.approvals (payout_window, run, approved_by)
where revoked_at is null;
comment on table finance.approvals is
'Who approved which digest of a window''s run and when. What it covers is in approval_lines, for ever.';

alter table finance.payout_batches add column run integer not null default 1 check (run > 0);
alter table finance.payout_batches alter column run drop default;
drop index finance.payout_batches_one_standing;
create unique index payout_batches_one_per_run on finance.payout_batches (payout_window, run)
where state <> 'rejected';
comment on table finance.payout_batches is
'One row per attempt to pay a run of a window; at most one of a run that is not rejected, ever. Attempts are counted through all runs of a window. Immutable but for its state columns.';

-- A batch is paid under approvals of its own run.
alter table finance.approvals add unique (approval_id, payout_window, run);
alter table finance.payout_batches add unique (batch_id, payout_window, run);
alter table finance.batch_approvals add column payout_window text, add column run integer;
alter table finance.batch_approvals disable trigger append_only;
update finance.batch_approvals as u set payout_window = b.payout_window, run = b.run
from finance.payout_batches as b
where u.batch_id = b.batch_id;
alter table finance.batch_approvals enable trigger append_only;
alter table finance.batch_approvals
alter column payout_window set not null, alter column run set not null,
add foreign key (approval_id, payout_window, run)
references finance.approvals (approval_id, payout_window, run),
add foreign key (batch_id, payout_window, run)
references finance.payout_batches (batch_id, payout_window, run);
comment on table finance.batch_approvals is
'The approvals that a batch is paid under: of its own window and run.';

-- The digest names the run, and each line its currency on the rail: what was approved and not frozen
-- yet is approved again.
update finance.approvals as a
set revoked_by = 'the upgrade to runs', revoked_at = public.settle_now()
where a.revoked_at is null and not exists (
    select from finance.payout_batches as b
    where b.payout_window = a.payout_window and b.state <> 'rejected'
);

alter type finance.payable_set add attribute run integer;
alter type finance.window_position add attribute run integer;

-- The latest batch of a window, of whichever run: one row, none where nothing was frozen.
select
    b.batch_id,
    b.run,
    finance.run_name(b.payout_window, b.run) as name,
    b.attempt,
    b.state,
    b.state_note,
    b.digest,
    b.currency,
    b.line_count,
    finance.decimal_amount(b.total_minor) as total,
    b.frozen_at,
    b.frozen_by,
    b.answered_at
from finance.payout_batches as b
where b.payout_window = %(window)s
order by b.attempt desc
limit 1

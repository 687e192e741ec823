-- What came back or completed after all since an instant is found without the lines of years.
create index payout_lines_returned_at on finance.payout_lines (returned_at)
where returned_at is not null;
create index payout_lines_retaken_at on finance.payout_lines (retaken_at)
where retaken_at is not null;

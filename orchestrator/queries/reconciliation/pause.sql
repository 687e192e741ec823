-- Who has paused payouts, and who has resumed them so far; null where nobody has.
select finance.pause_line() as pause

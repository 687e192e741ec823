-- Who has paused payouts, and who has resumed them so far; null where nobody has.
select finance.pause_message() as pause

-- The key of a payout in our name that no line has: the line that is frozen later under it is its own.
alter table finance.breaks add column payout_key text;

-- Which currencies a close knew: a fact that was bad for want of one, and has an effect since, is late.
-- Closes of before do not say.
alter table finance.window_closes add column currencies_digest text;
alter table handover.build add column currencies_digest text;

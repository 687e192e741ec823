-- Windows are stored one after another: a range of blocks is a window. Every close counts its own.
create index window_close_facts_window on finance.window_close_facts using brin (payout_window);

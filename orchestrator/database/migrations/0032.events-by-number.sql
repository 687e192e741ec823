-- Every event was in it for an instant, and each transaction read past all that had left it.
drop index finance.events_unnumbered;

-- finance.ledgers_to_read takes its place.
drop function if exists finance.rail_currencies();

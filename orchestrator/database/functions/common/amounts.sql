-- Amounts are whole cents (minor units) everywhere but where people and rails read them. Plain, so that
-- Postgres puts them into the query that asks; with the operator's schema, as that query's path is not ours.
create or replace function finance.decimal_amount(p_minor numeric) returns numeric
language sql immutable parallel safe as
$$ select (p_minor operator(pg_catalog./) 100)::pg_catalog.numeric(20, 2) $$;
comment on function finance.decimal_amount(numeric) is
'Minor units as a decimal with two places: exact for whole cents, else rounded.';

create or replace function finance.money(p_minor numeric) returns text
language sql immutable parallel safe as $$ select finance.decimal_amount(p_minor)::pg_catalog.text $$;
comment on function finance.money(numeric) is 'Minor units as text with two decimals: 1234 is 12.34.';

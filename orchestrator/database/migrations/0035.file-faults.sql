-- Which rows of a file are bad is one list, of lines and faults, and one function refuses it.
drop function if exists finance.refuse_rows(text[]);
drop function if exists finance.seller_faults(jsonb);
drop function if exists finance.repeated_sellers(jsonb);

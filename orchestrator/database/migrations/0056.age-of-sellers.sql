-- What a function returns cannot be replaced: it is made again, with the instant of creation.
drop function if exists finance.sellers_now(text);

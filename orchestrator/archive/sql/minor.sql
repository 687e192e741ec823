-- Whole units of a currency as minor units; of one that nobody knows as they are.
trim_scale(coalesce(sum(t.{amount}), 0) * power(
    10::numeric, coalesce((%(decimals)s::jsonb ->> t.archive_currency)::integer, 0)
))

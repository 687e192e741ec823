-- What the payout needs on the rail by currency, and what the rail had when it was last asked.
select
    f.rail,
    f.rail_currency as currency,
    f.line_count as lines,
    f.needed,
    f.expected_fees,
    coalesce(f.available::text, 'not known') as available,
    f.missing,
    f.read_at as as_of
from finance.funding(%(window)s) as f

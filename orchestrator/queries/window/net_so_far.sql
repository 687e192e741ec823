-- The net of a window that has no stored close yet, as the latest build makes it with what was paid
-- since: one row. It stands alone, as planning it takes longer than the rest of a window's page.
select finance.decimal_amount(coalesce(sum(r.net_minor), 0)) as net
from settlement_core.int_settlement__live as r
where r.payout_window = %(window)s

-- Fails if a settlement row's net is not gross - fees - taxes - refunds - disputes - charges
-- + adjustments + carried_forward, to the cent.

select
    payout_window,
    seller_id,
    net
from {{ ref('seller_settlement') }}
where
    net is distinct from
    gross - fees - taxes - refunds - disputes - charges + adjustments + carried_forward

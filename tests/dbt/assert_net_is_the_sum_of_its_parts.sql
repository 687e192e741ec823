-- Fails if a settlement row's net is not gross - fees - taxes - refunds - disputes - charges
-- + adjustments + carried_forward, to the cent. Of the windows since the scope begins: older rows
-- were looked at then, and are as stored.

select
    payout_window,
    seller_id,
    net
from {{ ref('seller_settlement') }}
where
    window_ends_at > (select build.scope_from from {{ ref('int_build') }} as build)
    and net is distinct from
    gross - fees - taxes - refunds - disputes - charges + adjustments + carried_forward

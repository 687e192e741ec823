-- Its rows as they were computed.
insert into {staging}.stg_finance__window_close_rows (
    seller_id, payout_window, rail, wallet_address, hold_reasons, hold_detail, gross_minor,
    fees_minor, taxes_minor, refunds_minor, disputes_minor, charges_minor, adjustments_minor,
    carried_forward_minor, net_minor, order_count, weeks_carried
)
select
    s.seller_id, s.payout_window, s.rail, s.wallet_address, s.hold_reasons, s.hold_detail,
    s.gross_minor, s.fees_minor, s.taxes_minor, s.refunds_minor, s.disputes_minor,
    s.charges_minor, s.adjustments_minor, s.carried_forward_minor, s.net_minor, s.order_count,
    s.weeks_carried
from {core}.int_settlement__computed as s
where s.payout_window = %(window)s

insert into pg_temp.load_refunds_staged (
    line_number, refund_id, order_id, seller_id, amount, refunded_at, reason, reverses_refund_id
)
select
    min(row_number),
    fact_id,
    order_id,
    seller_id,
    trim_scale(abs(sum(fact_amount))),
    to_char(min(happened_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    coalesce(min(detail), min(row_type)),
    case when kind = 'refund_reversal' then min(related_id) end
from pg_temp.import_parts
where kind in ('refund', 'refund_reversal') and not is_repeated
group by seller_id, order_id, fact_id, kind

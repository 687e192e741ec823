insert into pg_temp.load_dispute_events_staged (
    line_number, dispute_event_id, dispute_id, order_id, seller_id, event_type, amount, occurred_at
)
select
    min(row_number),
    fact_id,
    related_id,
    order_id,
    seller_id,
    substr(kind, length('dispute_') + 1),
    trim_scale(abs(sum(fact_amount))),
    to_char(min(happened_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
from pg_temp.import_parts
where kind in ('dispute_opened', 'dispute_won') and not is_repeated
group by seller_id, order_id, fact_id, related_id, kind

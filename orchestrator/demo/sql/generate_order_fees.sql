-- Commission of 12 %, processing of 2.9 % and 30 cents, shipping on some orders, tax on a third,
-- and for every second refund its commission and tax back.
create temporary {kind} generated_order_fees as
with drawn as (
    select
        orders.*,
        currencies.dollars,
        currencies.processing_amount,
        'fee-' || lpad(orders.number::text, 9, '0') || '-' as fee_prefix,
        pg_temp.generate_hash('fees', orders.number) as dice
    from pg_temp.generated_orders as orders
    inner join pg_temp.generated_currencies as currencies
        on orders.currency = currencies.currency
    offset 0
),

given_back as (
    select
        *,
        'fee-' || lpad(number::text, 9, '0') || '-' as fee_prefix,
        pg_temp.generate_draw(pg_temp.generate_hash('fees', number), 6, 3) = 0
            as is_taxed
    from pg_temp.generated_refunds
    where
        reverses_refund_id is null
        and refund_id not like '%-again'
        and pg_temp.generate_draw(dice, 7, 2) = 0
),

-- All of an order together, as they are stored.
charged as (
    select
        drawn.fee_prefix,
        drawn.order_id,
        drawn.seller_id,
        drawn.until,
        fees.fee_type,
        fees.amount,
        fees.charged_at,
        fees.chance
    from drawn
    cross join lateral (
        select
            'commission' as fee_type,
            round(drawn.gross_amount * 0.12, drawn.decimals) as amount,
            drawn.ordered_at as charged_at,
            pg_temp.generate_draw(drawn.dice, 0, 1000000) as chance
        union all
        select
            'processing' as fee_type,
            round(drawn.gross_amount * 0.029, drawn.decimals)
            + drawn.processing_amount as amount,
            drawn.ordered_at as charged_at,
            pg_temp.generate_draw(drawn.dice, 1, 1000000) as chance
        union all
        select
            'shipping' as fee_type,
            round(
                (400 + pg_temp.generate_draw(drawn.dice, 2, 900)) / 100.0
                / drawn.dollars,
                drawn.decimals
            ) as amount,
            pg_temp.generate_later(
                drawn.ordered_at,
                3600 + pg_temp.generate_draw(drawn.dice, 3, 3 * 24 * 3600)
            ) as charged_at,
            pg_temp.generate_draw(drawn.dice, 4, 1000000) as chance
        where
            drawn.gross_amount * drawn.dollars >= 25
            and pg_temp.generate_draw(drawn.dice, 5, 10) < 3
        union all
        select
            'tax' as fee_type,
            round(drawn.gross_amount * 0.0825, drawn.decimals) as amount,
            drawn.ordered_at as charged_at,
            pg_temp.generate_draw(drawn.dice, 7, 1000000) as chance
        where pg_temp.generate_draw(drawn.dice, 6, 3) = 0
    ) as fees
    union all
    select
        fee_prefix,
        order_id,
        seller_id,
        until,
        'commission_refund' as fee_type,
        -round(amount * 0.12, decimals) as amount,
        refunded_at as charged_at,
        pg_temp.generate_draw(dice, 6, 1000000) as chance
    from given_back
    union all
    select
        fee_prefix,
        order_id,
        seller_id,
        until,
        'tax_refund' as fee_type,
        -round(amount * 0.0825, decimals) as amount,
        refunded_at as charged_at,
        pg_temp.generate_draw(dice, 6, 1000000) as chance
    from given_back
    where is_taxed
),

recorded as (
    select
        until,
        fee_prefix || fee_type as fee_id,
        order_id,
        seller_id,
        fee_type,
        amount,
        charged_at,
        pg_temp.generate_recorded_at(charged_at, chance) as recorded_at
    from charged
    where amount <> 0
)

select *
from recorded
where recorded_at <= until;

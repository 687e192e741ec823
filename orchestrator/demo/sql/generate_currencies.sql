-- What buyers pay in, out of 100 checkouts, and what a processor converts it at in each week.
-- And what processing a payment costs in each, beside its share: 30 cents.
create temporary table generated_currencies on commit drop as
select
    currencies.*,
    round(0.30 / dollars, decimals) as processing_amount
from (
    values
    ('USD', 2, 1.0, 0, 84),
    ('EUR', 2, 1.0837, 84, 94),
    ('JPY', 0, 0.0067213, 94, 98),
    ('KWD', 3, 3.2551, 98, 100)
) as currencies (currency, decimals, dollars, first_draw, end_draw);

create temporary table generated_rates on commit drop as
select
    currencies.currency,
    currencies.decimals,
    currencies.dollars,
    currencies.first_draw,
    currencies.end_draw,
    week,
    -- Within two per cent of what it is worth; dollars are not converted.
    case
        when currencies.currency <> 'USD'
            then round(
                currencies.dollars * (
                    9800
                    + pg_temp.generate_draw(
                        pg_temp.generate_hash(
                            'rate ' || currencies.currency, week
                        ),
                        0, 401
                    )
                ) / 10000,
                7
            )
    end as exchange_rate
from pg_temp.generate_arguments as arguments
cross join pg_temp.generated_currencies as currencies
cross join generate_series(0, arguments.span_seconds / (7 * 24 * 3600)) as week;

analyze pg_temp.generated_currencies;
analyze pg_temp.generated_rates;

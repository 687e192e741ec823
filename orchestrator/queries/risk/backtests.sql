-- Finished backtests, the latest first.
select
    b.backtest_id,
    b.finished_at,
    b.document ->> 'tried' as tried,
    coalesce(
        b.document ->> 'against',
        (
            select string_agg(a.value, ' and ' order by a.ordinality)
            from jsonb_array_elements_text(b.document -> 'axes') with ordinality as a
        )
    ) as against,
    b.document ->> 'from' as first_window,
    b.document ->> 'to' as last_window,
    coalesce(
        jsonb_array_length(b.document -> 'policies'),
        case when b.document ->> 'against' is null then 1 else 2 end
    ) as policies
from finance.backtests as b
order by b.backtest_id desc
limit %(limit)s

-- One row per week that an order can wait for its dispute: what share of all disputes is known by
-- its end. Young orders have not had all of theirs, so a plain count would favour short delays: the
-- growth of each week is measured on the orders that are old enough, and the growths multiplied.

with

backtest as (

    select distinct measured_at from {{ ref('int_backtest_windows') }}

),

disputes as (

    select
        floor(extract(epoch from disputes.opened_known_at - orders.ordered_at) / 604800)::integer
            as delay_weeks,
        floor(extract(epoch from backtest.measured_at - orders.ordered_at) / 604800)::integer
            as age_weeks,
        disputes.opened_minor
    from {{ ref('int_disputes') }} as disputes
    inner join {{ ref('int_orders') }} as orders
        on disputes.seller_id = orders.seller_id and disputes.order_id = orders.order_id
    cross join backtest
    where disputes.withdrawn_known_at is null

),

oldest as (

    select
        floor(
            extract(epoch from backtest.measured_at - min(orders.ordered_at)) / 604800
        )::integer as age_weeks
    from {{ ref('int_orders') }} as orders
    cross join backtest
    group by backtest.measured_at

),

delays as (

    select generate_series(0, age_weeks - 1) as delay_weeks from oldest

),

-- Of orders that have been there for the whole of the week.
grown as (

    select
        delays.delay_weeks,
        count(*) filter (where disputes.delay_weeks = delays.delay_weeks) as dispute_count,
        coalesce(sum(disputes.opened_minor) filter (
            where disputes.delay_weeks = delays.delay_weeks
        ), 0)::bigint as opened_minor,
        coalesce(sum(disputes.opened_minor), 0) as known_minor,
        coalesce(sum(disputes.opened_minor) filter (
            where disputes.delay_weeks < delays.delay_weeks
        ), 0) as known_before_minor
    from delays
    left join disputes
        on
            delays.delay_weeks >= disputes.delay_weeks
            and delays.delay_weeks < disputes.age_weeks
    group by delays.delay_weeks

),

shares as (

    select
        *,
        case when known_minor = 0 then 1 else known_before_minor / known_minor end as share_before
    from grown

),

final as (

    select
        delay_weeks,
        dispute_count,
        opened_minor,
        round(
            case
                when min(share_before) over later = 0 then 0
                else coalesce(exp(sum(ln(
                    case when share_before > 0 then share_before else 1 end
                )) over later), 1)
            end, 6
        )::numeric(7, 6) as known_share
    from shares
    window later as (
        order by delay_weeks rows between 1 following and unbounded following
    )

)

select * from final

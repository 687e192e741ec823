-- Who sells: most in a region with a rail and in good standing.
create temporary table generated_sellers on commit drop as
with drawn as materialized (
    select
        number,
        starts_at,
        until,
        span_seconds,
        seller_count,
        -- Who takes orders and delivers nothing; more come as the share grows, nobody leaves.
        pg_temp.generate_draw(pg_temp.generate_hash('bad actor', number), 0, 1000000)
        < bad_actors * 1000000 as is_bad_actor,
        pg_temp.generate_hash('seller', number) as standing,
        pg_temp.generate_hash('seller trade', number) as trade,
        pg_temp.generate_hash('seller dates', number) as dates
    from pg_temp.generate_arguments
    cross join generate_series(1, seller_count) as number
),

described as (
    select
        *,
        -- Orders are dealt by this rank: the first sell most.
        row_number() over (order by trade, number) as volume_rank,
        case
            when pg_temp.generate_draw(standing, 0, 100) < 46 then 'NA'
            when pg_temp.generate_draw(standing, 0, 100) < 76 then 'EU'
            when pg_temp.generate_draw(standing, 0, 100) < 99 then 'APAC'
            else 'LATAM'
        end as region,
        pg_temp.generate_draw(standing, 1, 10) = 0 as fast_settlement,
        case
            when pg_temp.generate_draw(standing, 2, 1000) < 6 then 'suspended'
            when pg_temp.generate_draw(standing, 2, 1000) < 10 then 'closed'
            else 'active'
        end as status,
        pg_temp.generate_draw(standing, 3, 1000) >= 8 as payouts_enabled,
        case
            when pg_temp.generate_draw(standing, 4, 1000) < 10 then 'missing'
            when pg_temp.generate_draw(standing, 4, 1000) < 15 then 'broken'
            when pg_temp.generate_draw(standing, 4, 1000) < 20 then 'other rail'
            else 'valid'
        end as wallet_state,
        -- Per cent of the usual price; one in fifty sells dear things.
        (60 + pg_temp.generate_draw(trade, 1, 121))
        * case when pg_temp.generate_draw(trade, 2, 50) = 0 then 4 else 1 end
            as price_level,
        -- One in thirty joined while the time shown was already running.
        case
            when pg_temp.generate_draw(dates, 0, 30) = 0
                then pg_temp.generate_later(
                    starts_at, pg_temp.generate_draw(dates, 1, span_seconds)
                )
            else pg_temp.generate_later(
                starts_at,
                -1 - pg_temp.generate_draw(dates, 1, 720::bigint * 24 * 3600)
            )
        end as created_at
    from drawn
)

select
    number,
    seller_count,
    volume_rank,
    price_level,
    -- Disputes out of 10,000 orders: the common share at the largest, where one
    -- more does not show; less at the smaller; and some worth a review.
    case
        when is_bad_actor then 6000
        when pg_temp.generate_draw(trade, 3, 1000) < 24 then 3000
        when volume_rank * 25 <= seller_count then 220
        when volume_rank * 8 <= seller_count then 50
        else 6
    end as dispute_share,
    wallet_state,
    case
        when fast_settlement then 'SPL'
        when region in ('NA', 'EU') then 'ERC-20'
        else 'TRC-20'
    end as wallet_format,
    'seller-' || lpad(number::text, 6, '0') as seller_id,
    (
        array[
            'Amber', 'Blue', 'Bright', 'Cedar', 'Clear', 'Copper', 'Coral',
            'Early', 'Golden', 'Green', 'Harbor', 'High', 'Little', 'Lucky',
            'Maple', 'Misty', 'Northern', 'Old', 'Quiet', 'River', 'Silver',
            'Southern', 'Stone', 'Wild'
        ]
    )[1 + pg_temp.generate_draw(dates, 2, 24)] || ' ' || (
        array[
            'Anchor', 'Birch', 'Bridge', 'Canvas', 'Clover', 'Compass', 'Crane',
            'Field', 'Forge', 'Fox', 'Garden', 'Heron', 'Hill', 'Kettle',
            'Lantern', 'Loom', 'Meadow', 'Needle', 'Orchard', 'Otter', 'Paper',
            'Pine', 'Thread', 'Willow'
        ]
    )[1 + pg_temp.generate_draw(dates, 3, 24)] || ' ' || (
        array[
            'Books', 'Crafts', 'Goods', 'Home', 'Outdoor', 'Studio', 'Supply',
            'Trading'
        ]
    )[1 + pg_temp.generate_draw(dates, 4, 8)] as display_name,
    region,
    fast_settlement,
    -- Addresses are computed outside and filled in.
    '' as wallet_address,
    status,
    payouts_enabled,
    case
        when pg_temp.generate_draw(dates, 7, 100) < 4 then 'monthly'
        when pg_temp.generate_draw(dates, 7, 100) < 5 then 'paused'
        else 'weekly'
    end as payout_schedule,
    case when pg_temp.generate_draw(trade, 4, 20) = 0 then 50.00 end
        as payout_minimum,
    created_at,
    case
        when pg_temp.generate_draw(dates, 5, 12) = 0
            then pg_temp.generate_later(
                created_at,
                pg_temp.generate_draw(
                    dates, 6, extract(epoch from until - created_at)::bigint + 1
                )
            )
        else created_at
    end as updated_at
from described;

create unique index on pg_temp.generated_sellers (volume_rank);
analyze pg_temp.generated_sellers;

with

breaks as (

    select * from {{ ref('int_breaks__as_of') }}

),

-- A break of a whole call is of one window, and of no one seller.
named as (

    select
        break_id,
        min(payout_window) as payout_window,
        case when count(*) = 1 then min(line_id) end as line_id,
        case when count(*) = 1 then min(seller_id) end as seller_id
    from {{ ref('int_break_lines') }}
    group by break_id

),

final as (

    select
        breaks.break_id,
        breaks.break_kind,
        breaks.subject,
        breaks.detail,
        named.payout_window,
        named.seller_id::text as seller_id,
        named.line_id,
        breaks.opened_at,
        {{ hours_since('breaks.opened_at') }} as age_hours
    from breaks
    left join named on breaks.break_id = named.break_id

)

select * from final

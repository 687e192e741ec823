with

policies as (

    select * from {{ ref('reserve_policies') }}

),

final as (

    select
        reserve_days,
        valid_from,
        lead(valid_from, 1, 'infinity') over (order by valid_from) as valid_to,
        make_interval(hours => reserve_days * 24) as reserve_period
    from policies

)

select * from final

-- Known at the instant this schema shows. What a check finds depends on the address alone, so one
-- made later counts, but for an address that had been named by then and still waited for it.

with

named as (

    select distinct wallet_address from {{ ref('stg_finance__wallet_sightings') }}
    where seen_at <= {{ status_as_of() }}

),

final as (

    select
        checks.wallet_address,
        checks.account,
        checks.address_format,
        checks.detail,
        checks.is_valid,
        checks.is_payable,
        checks.is_checksummed,
        checks.checked_at
    from {{ ref('stg_finance__wallet_checks') }} as checks
    left join named on checks.wallet_address = named.wallet_address
    where named.wallet_address is null or checks.checked_at <= {{ status_as_of() }}

)

select * from final

{%- set is_as_of = target.schema.startswith('asof_') -%}

with

windows as (

    select * from {{ ref('int_windows') }}
    where not is_stored

),

accounts as (

    select * from {{ ref('int_seller_accounts') }}

),

versions as (

    select * from {{ ref('int_seller_versions') }}

),

-- The open window and the one that closed last take the seller as the source has it now, or had it
-- at the instant of an as-of schema. An older window, closed only to catch up, takes the version
-- that held at its end, or the first one seen.
current_windows as (

    select
        windows.payout_window,
        accounts.seller_id,
        accounts.display_name,
        accounts.region,
        accounts.seller_status,
        accounts.payouts_enabled,
        accounts.wallet_address,
        accounts.payout_schedule,
        accounts.payout_minimum,
        accounts.rail,
        accounts.rail_currency
    from windows
    cross join accounts
    where (windows.is_latest_closed or not windows.is_closed) and not {{ is_as_of }}

),

older_windows as (

    select
        windows.payout_window,
        accounts.seller_id,
        accounts.display_name,
        versions.region,
        versions.seller_status,
        versions.is_payouts_enabled as payouts_enabled,
        versions.wallet_address,
        versions.payout_schedule,
        versions.payout_minimum,
        rails.rail,
        rails.currency_code as rail_currency
    from windows
    inner join versions
        on
            case
                when windows.is_closed and not windows.is_latest_closed
                    then
                        windows.window_ends_at > versions.valid_from
                        and windows.window_ends_at <= versions.valid_to
                else
                    {{ as_of() }} >= versions.valid_from and {{ as_of() }} < versions.valid_to
            end
    inner join accounts on versions.seller_id = accounts.seller_id
    left join {{ ref('region_rails') }} as region_rails on versions.region = region_rails.region
    left join {{ ref('rails') }} as rails
        on rails.rail = {{ rail_of('versions', 'region_rails') }}
    where (windows.is_closed and not windows.is_latest_closed) or {{ is_as_of }}

),

final as (

    select * from current_windows

    union all

    select * from older_windows

)

select * from final

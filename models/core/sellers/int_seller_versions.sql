{#- An as-of schema looks at the history that the live builds saw, where there is one. #}
{%- set versions = ref('seller_versions') %}
{%- if target.schema.startswith('asof_') and execute %}
    {%- set versions = adapter.get_relation(
        database=versions.database, schema='settlement_history', identifier=versions.identifier
    ) or versions %}
{%- endif %}

-- One row per seller and version that a build saw. The first one counts for all time before it too.

with

versions as (

    select
        *,
        row_number() over (partition by seller_id order by dbt_valid_from, dbt_scd_id)
            as version_number
    from {{ versions }}

),

final as (

    select
        seller_id,
        display_name,
        region,
        wallet_address,
        seller_status,
        payout_schedule,
        payout_minimum,
        is_fast_settlement,
        is_payouts_enabled,
        created_at,
        updated_at,
        version_number,
        dbt_valid_from as seen_at,
        case when version_number = 1 then '-infinity' else dbt_valid_from end as valid_from,
        coalesce(dbt_valid_to, 'infinity') as valid_to
    from versions

)

select * from final

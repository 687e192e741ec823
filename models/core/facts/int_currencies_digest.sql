{{ config(meta={'placement': 'coordinator'}) }}

select md5(string_agg(currency || ' ' || decimals, ',' order by currency)) as currencies_digest
from {{ ref('currencies') }}

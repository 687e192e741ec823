{#- The order in the subquery keeps Postgres from making a join of it, which would read all there
    ever were. Citus takes no union apart with one in it, and each worker reads its own part; beside
    an outer join with one in it, it reads other relations as if their columns were null. -#}
{% macro looked_up(name, of, among, is_optional=false) -%}
    {%- if is_distributed() -%}
        {{ 'left' if is_optional else 'inner' }} join {{ among }} as {{ name }}
            on {{ of }}.seller_id = {{ name }}.seller_id and {{ of }}.order_id = {{ name }}.order_id
    {%- else -%}
        {{ 'left' if is_optional else 'cross' }} join lateral (
            select every.* from {{ among }} as every
            where every.seller_id = {{ of }}.seller_id and every.order_id = {{ of }}.order_id
            order by every.order_id
        ) as {{ name }} {%- if is_optional %} on true {%- endif %}
    {%- endif -%}
{%- endmacro %}

{#- Of a large relation what few rows name, each by its key on its worker: an outer join of the few
    with it, or a union beside one, would bring all of it to the coordinator. One server joins it as
    it is. -#}
{% macro named_by(rows, among, keys) -%}
    {%- if is_distributed() -%}
        select found.*
        from (select distinct {{ keys | join(', ') }} from {{ rows }}) as named
        cross join lateral (
            select every.* from {{ among }} as every
            where (every.{{ keys | join(', every.') }}) = (named.{{ keys | join(', named.') }})
            order by every.{{ keys | last }}
        ) as found
    {%- else -%}
        select * from {{ among }}
    {%- endif -%}
{%- endmacro %}

{#- For the few rows, and for what they name. -#}
{% macro brought_here() -%}
    {{ 'materialized' if is_distributed() else 'not materialized' }}
{%- endmacro %}

{#- Citus would gather it on the coordinator. -#}
{% macro computed_once() -%}
    {{ 'not materialized' if is_distributed() else 'materialized' }}
{%- endmacro %}

{#- Looked up by its key, as above. -#}
{% macro is_not_remembered(facts) -%}
    {%- if is_distributed() -%}
        remembered.source_id is null
    {%- else -%}
        not exists (
            select 1 from {{ ref('stg_finance__window_close_facts') }} as remembered
            where
                remembered.seller_id = {{ facts }}.seller_id
                and remembered.source_id = {{ facts }}.source_id
                and remembered.source_table = {{ source_table_of(facts ~ '.entry_type') }}
            order by remembered.source_id
            offset 0
        )
    {%- endif -%}
{%- endmacro %}

{% macro with_remembered(facts) -%}
    {%- if is_distributed() -%}
        left join {{ ref('stg_finance__window_close_facts') }} as remembered
            on
                {{ facts }}.seller_id = remembered.seller_id
                and {{ facts }}.source_id = remembered.source_id
                and {{ source_table_of(facts ~ '.entry_type') }} = remembered.source_table
    {%- endif -%}
{%- endmacro %}

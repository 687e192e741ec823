{% macro as_of() -%}
    (select finance.as_of('{{ target.schema }}'))
{%- endmacro %}

{% macro status_as_of() -%}
    {{ as_of() if target.schema.startswith('asof_') else '(select settle_now())' }}
{%- endmacro %}

{% macro begin_build() -%}
    {%- if execute and flags.WHICH in ('run', 'build') and not target.schema.startswith('asof_') -%}
        {%- if is_distributed() %}
            select finance.require_distributed();
        {%- endif %}
        select finance.begin_build('{{ target.schema }}', null, '{{ invocation_id }}')
    {%- endif -%}
{%- endmacro %}

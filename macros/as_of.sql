{#- The instant this schema shows: pinned when its build began. A function call, never a
    literal, so that compiled SQL is the same on every day. -#}
{% macro as_of() -%}
    (select finance.as_of('{{ target.schema }}'))
{%- endmacro %}

{#- The instant for what people and the rail do to a stored close: statuses are live, whenever the
    last build was. In an as-of schema it is that schema's instant. -#}
{% macro status_as_of() -%}
    {{ as_of() if target.schema.startswith('asof_') else '(select settle_now())' }}
{%- endmacro %}

{#- on-run-start: a live schema takes the clock; an as-of schema was given its instant before. -#}
{% macro begin_build() -%}
    {%- if execute and flags.WHICH in ('run', 'build') and not target.schema.startswith('asof_') -%}
        select finance.begin_build('{{ target.schema }}', null, '{{ invocation_id }}')
    {%- endif -%}
{%- endmacro %}

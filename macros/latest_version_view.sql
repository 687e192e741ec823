{#- The unsuffixed name of a versioned model: a view on its latest version. -#}
{% macro latest_version_view() -%}
    {%- if model.version == model.latest_version or model.version == model.latest_version | int -%}
        {%- set view = this.include(identifier=false) ~ '.' ~ adapter.quote(model.name) -%}
        drop view if exists {{ view }};
        create view {{ view }} as select * from {{ this }};
        grant select on {{ view }} to settle_analyst, settle_finance, settle_orchestrator
    {%- endif -%}
{%- endmacro %}

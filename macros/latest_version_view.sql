{% macro latest_version_view() -%}
    {%- if model.version and model.version | string == model.latest_version | string -%}
        {%- set view = this.include(identifier=false) ~ '.' ~ adapter.quote(model.name) -%}
        {{ replace_view(view, 'select * from ' ~ this) }};
        {%- if model.config.grants.select %}
            grant select on {{ view }} to {{ model.config.grants.select | join(', ') }};
        {%- endif %}
        comment on view {{ view }} is 'The latest version: {{ this.identifier }}.'
    {%- endif -%}
{%- endmacro %}

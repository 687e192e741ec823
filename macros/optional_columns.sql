{% macro optional_columns(relation, columns) -%}
    {#- A team's own view may lack them. -#}
    {%- set present = [] -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- do present.append(column.name) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set found = {} -%}
    {%- for column, absent in columns.items() -%}
        {%- do found.update({column: column if not execute or column in present else absent}) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

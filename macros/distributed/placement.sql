{% macro is_distributed() -%}
    {{ return(var('distributed') is true) }}
{%- endmacro %}


{#- A team's own view may compare ids by another collation. Distributed tables are ours and compare
    them so, and said again it would hide from Citus the column that they are distributed by. -#}
{% macro seller_key() -%}
    seller_id {%- if not is_distributed() %} collate "C"{% endif %}
{%- endmacro %}


{#- Where the model's table is: the coordinator, unless its folder in dbt_project.yml says else. No
    table has a copy on each node: to read one beside what workers found, Citus opens a session on
    the coordinator as whoever reads, and there no role may come in from a node. -#}
{% macro placement() -%}
    {{ return(config.get('meta', default={}).get('placement', 'coordinator')) }}
{%- endmacro %}


{% macro place(relation) -%}
    {%- if placement() == 'by_seller' -%}
        select create_distributed_table(
            '{{ relation }}', 'seller_id', colocate_with => 'finance.window_close_entries'
        );
    {%- endif -%}
{%- endmacro %}


{#- A view is taken apart where it is read, and no worker needs it. -#}
{% macro keep_on_coordinator() -%}
    {%- if is_distributed() -%}
        {%- do run_query('set local citus.enable_ddl_propagation = off') -%}
    {%- endif -%}
{%- endmacro %}


{#- A table that was made before the switch was turned is made anew. -#}
{% macro is_placed(relation) -%}
    {%- if is_distributed() -%}
        {{ 'not' if placement() == 'coordinator' }} exists (
            select from pg_dist_partition as p
            where p.logicalrelid = '{{ relation }}'::regclass
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

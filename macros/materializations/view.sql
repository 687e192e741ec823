{#- A view is replaced where it is, in one statement; what reads it stays. Only one with other
    columns is dropped first, with what reads it, which must be built after it. -#}
{% materialization view, adapter='postgres' %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set existing = load_cached_relation(this) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {{ keep_on_coordinator() }}
    {%- if existing is not none and not existing.is_view -%}
        {{ drop_relation_if_exists(existing) }}
    {%- endif -%}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
    {%- endif -%}
    {%- call statement('main') -%}
        {{ replace_view(target_relation, sql) }}
    {%- endcall -%}
    {%- set had_grants = existing is not none -%}
    {%- do apply_grants(target_relation, config.get('grants'), should_revoke=had_grants) -%}
    {%- do persist_docs(target_relation, model) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


{% macro replace_view(relation, sql) -%}
    do $replace_view$
    begin
        create or replace view {{ relation }} as ({{ sql }});
    exception when invalid_table_definition then
        drop view {{ relation }} cascade;
        create view {{ relation }} as ({{ sql }});
    end
    $replace_view$
{%- endmacro %}

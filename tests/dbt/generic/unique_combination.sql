{#- Fails if two rows agree in all of the columns, or one of the columns is null: the grain of a
    model, in one read of it.

    In a build that starts from a stored close, `in_scoped_builds` keeps it cheap: 'touched' reads
    the orders whose entries can still move, through their index; 'nothing' is for a model that
    cannot be read in part. Without a stored close, or with --full-refresh, all is read. -#}
{% test unique_combination(model, columns, in_scoped_builds='all') -%}
    {%- set scope = 'true' -%}
    {%- if in_scoped_builds == 'touched' -%}
        {%- set touched = ref('int_orders__touched') -%}
        {%- if is_scoped() -%}
            {%- set scope = 'order_id = any(array(select order_id from ' ~ touched ~ '))' -%}
        {%- endif -%}
    {%- elif in_scoped_builds == 'nothing' and is_scoped() -%}
        {%- set scope = 'false' -%}
    {%- endif -%}
    select
        {{ columns | join(', ') }},
        count(*) as row_count
    from {{ model }}
    where {{ scope }}
    group by {{ columns | join(', ') }}
    having count(*) > 1 or {{ columns | join(' is null or ') }} is null
{%- endtest %}

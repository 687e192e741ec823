{#- Fails if two rows agree in all of the `columns`, or one of these or of those in `not_null` is
    null: the grain of a model and what each row has, in one read of it. dbt takes longer to
    begin a test than Postgres to run it, so that one test for each column would cost seconds.

    In a build that starts from a stored close, `in_scoped_builds` keeps it cheap: 'touched' reads
    the orders whose entries can still move, through their index; 'rechecked' the windows since the
    scope begins, as older ones were looked at then and do not change; 'nothing' is for a model
    that cannot be read in part. Without a stored close, or with --full-refresh, all is read. -#}
{% test primary_key(model, columns, not_null=[], in_scoped_builds='all') -%}
    {%- set scope = 'true' -%}
    {%- if in_scoped_builds == 'touched' -%}
        {%- set touched = ref('int_orders__touched') -%}
        {%- if is_scoped() -%}
            {%- set scope = '(seller_id, order_id) in (select seller_id, order_id from '
                ~ touched ~ ')' -%}
        {%- endif -%}
    {%- elif in_scoped_builds == 'rechecked' -%}
        {%- set scope = 'window_ends_at > (select scope_from from ' ~ ref('int_build') ~ ')' -%}
    {%- elif in_scoped_builds == 'nothing' and is_scoped() -%}
        {%- set scope = 'false' -%}
    {%- endif -%}
    {%- set counts, nulls = [], [] -%}
    {%- for column in columns + not_null -%}
        {%- do counts.append('count(' ~ column ~ ')') -%}
        {%- do nulls.append('case when ' ~ counts[-1] ~ " < count(*) then '" ~ column ~ "' end") -%}
    {%- endfor -%}
    select
        {{ columns | join(', ') }},
        count(*) as row_count,
        array_remove(array[{{ nulls | join(', ') }}], null) as columns_with_nulls
    from {{ model }}
    where {{ scope }}
    group by {{ columns | join(', ') }}
    having count(*) > 1 or least({{ counts | join(', ') }}) < count(*)
{%- endtest %}

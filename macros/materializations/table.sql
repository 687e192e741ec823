{#- A table that is what it was but for its rows gets new rows in place: what reads it stays, and
    finds the rows of before until the new ones are committed. With other columns, another index or
    persistence, or `--full-refresh`, it is made anew, and what reads it must be built after it.
    With a unique_key, only the rows that differ are written. -#}
{% materialization table, adapter='postgres' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set new = make_intermediate_relation(target_relation) -%}
    {%- set may_stay = existing is not none and existing.is_table and not should_full_refresh() -%}
    {%- set shape = same_shape(existing, sql) if may_stay else {} -%}

    {{ drop_relation_if_exists(load_cached_relation(new)) }}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if may_stay
        and shape.columns -%}
        {%- call statement('main') -%}
            {{ fill_in_place(existing, sql, shape) }}
        {%- endcall -%}
    {%- else -%}
        {%- if is_distributed() -%}
            {{ drop_relation_if_exists(existing) }}
            {%- do make_in_place(target_relation, sql) -%}
        {%- else -%}
            {%- call statement('main') -%}
                {{ get_create_table_as_sql(False, new, sql) }}
            {%- endcall -%}
            {%- do create_indexes(new) -%}
            {{ drop_relation_if_exists(existing) }}
            {{ adapter.rename_relation(new, target_relation) }}
        {%- endif -%}
    {%- endif -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- set had_grants = existing is not none -%}
    {%- do apply_grants(target_relation, config.get('grants'), should_revoke=had_grants) -%}
    {%- do persist_docs(target_relation, model) -%}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


{#- Names, types and order of the columns are compared with those of a table of the statement that
    is never filled. An insert would round to the scale of before without a word. Returns the names,
    none where anything differs, whether the server can merge (from PostgreSQL 17 on), and whether the
    table is too large for its rows. -#}
{% macro same_shape(relation, sql) -%}
    {%- set probe = 'probe_' ~ local_md5(relation.render()) -%}
    {%- call statement('shape', fetch_result=True) -%}
        create temporary table {{ probe }} on commit drop as ({{ sql }}) with no data;
        select
            string_agg(attname, ' ' order by attnum),
            current_setting('server_version_num')::integer >= 170000,
            {{ is_sparse(relation) }}
        from pg_attribute
        where
            attrelid = '{{ relation }}'::regclass and attnum > 0 and not attisdropped
            and {{ columns_of('pg_temp.' ~ probe) }} = {{ columns_of(relation) }}
            and {{ indexes_of(relation) }} = {{ configured_indexes() }}
            and {{ is_placed(relation) }}
            and (
                select
                    c.relpersistence = '{{ "u" if config.get("unlogged") else "p" }}'
                    and {{ carries_no_code('c') }}
                from pg_class as c
                where c.oid = '{{ relation }}'::regclass
            )
    {%- endcall -%}
    {%- set names, can_merge, too_large = load_result('shape').data[0] -%}
    {{
        return({
            'columns': (names or '').split(), 'can_merge': can_merge, 'is_sparse': too_large
        })
    }}
{%- endmacro %}


{#- A build of all history leaves a table of its size, and each model that reads it would read all
    of that in every build after it. A row takes what its columns do, and 28 bytes. -#}
{% macro is_sparse(relation) -%}
    (
        select
            c.reltuples >= 0
            and pg_relation_size(c.oid) > 32 * 1048576
            and pg_relation_size(c.oid) > 3 * c.reltuples * (
                select sum(s.avg_width) + 28 from pg_stats as s
                where s.schemaname = '{{ relation.schema }}' and s.tablename = '{{ relation.identifier }}'
            )
        from pg_class as c
        where c.oid = '{{ relation }}'::regclass
    )
{%- endmacro %}


{#- Rows are written anew in the order of their key; what reads the table stays, and waits. Where
    somebody reads it for long, a later build does it. -#}
{% macro make_dense(relation) -%}
    do $make_dense$
    declare
        waits constant text := current_setting('lock_timeout');
    begin
        perform set_config('lock_timeout', '2s', true);
        execute (
            select format('cluster %s using %I', i.indrelid::regclass, c.relname)
            from pg_index as i
            inner join pg_class as c on i.indexrelid = c.oid
            where i.indrelid = '{{ relation }}'::regclass and i.indisunique
        );
        perform set_config('lock_timeout', waits, true);
    exception
        -- What was set is set back with the rest.
        when lock_not_available then null;
    end
    $make_dense$;
{%- endmacro %}


{% macro columns_of(relation) -%}
    (
        select
            string_agg(
                concat_ws(' ', attname, format_type(atttypid, atttypmod), attcollation), ', '
                order by attnum
            )
        from pg_attribute
        where attrelid = '{{ relation }}'::regclass and attnum > 0 and not attisdropped
    )
{%- endmacro %}


{% macro indexes_of(relation) -%}
    array(
        select
            case when i.indisunique then 'unique ' else '' end || (
                select string_agg(a.attname, ', ' order by k.place)
                from unnest(i.indkey) with ordinality as k (attnum, place)
                inner join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
            )
        from pg_index as i
        where i.indrelid = '{{ relation }}'::regclass
        order by 1
    )
{%- endmacro %}


{% macro configured_indexes() -%}
    {%- set said = [] -%}
    {%- for index in config.get('indexes', default=[]) -%}
        {%- do said.append(('unique ' if index.unique else '') ~ index.columns | join(', ')) -%}
    {%- endfor -%}
    '{ {{- '"' ~ said | sort | join('", "') ~ '"' if said -}} }'::text[]
{%- endmacro %}


{#- Neither a trigger nor a rule, policy, default or other table changes what is put into it or read
    from it: what somebody hung there once would outlive the code that did. -#}
{% macro carries_no_code(relation) -%}
    not ({{ relation }}.relrowsecurity or {{ relation }}.relhassubclass)
    and not exists (
        select from pg_trigger as t
        inner join pg_proc as p on t.tgfoid = p.oid
        -- Citus hangs its own on each table that it takes apart.
        where
            t.tgrelid = {{ relation }}.oid
            and (p.proname, p.pronamespace)
            <> ('citus_truncate_trigger', 'pg_catalog'::regnamespace)
    )
    and not exists (
        select from pg_rewrite as r
        where r.ev_class = {{ relation }}.oid and r.rulename <> '_RETURN'
    )
    and not exists (select from pg_attrdef as d where d.adrelid = {{ relation }}.oid)
    and not exists (select from pg_inherits as i where i.inhrelid = {{ relation }}.oid)
{%- endmacro %}


{#- The empty table is placed first: rows then go from machine to machine, and the coordinator sees
    none of them. Made from its query, it would gather all there. -#}
{% macro make_in_place(relation, sql) -%}
    {%- call statement('empty') -%}
        create {{ 'unlogged' if config.get('unlogged') }} table {{ relation }} as ({{ sql }})
        with no data;
        {{ place(relation) }}
    {%- endcall -%}
    {%- do create_indexes(relation) -%}
    {%- call statement('main') -%}
        {{ insert_rows(relation, sql) }}
    {%- endcall -%}
{%- endmacro %}


{#- An unlogged table is read by the models of its build alone, and emptied at no cost. Of any other
    rows are deleted: who began to read before would find one that was truncated empty. -#}
{% macro fill_in_place(relation, sql, shape) -%}
    {%- if config.get('unique_key') and shape.can_merge and not is_distributed() -%}
        {{ make_dense(relation) if shape.is_sparse }}
        {{ write_differences(relation, sql, shape.columns) }}
    {%- else -%}
        {{ 'truncate' if config.get('unlogged') else 'delete from' }} {{ relation }};
        {{ insert_rows(relation, sql) }}
    {%- endif -%}
{%- endmacro %}


{#- From one build to the next most rows of a large table stay as they are. A unique index has to
    keep a second row of one key out: it would be made equal to the first, and stay. -#}
{% macro write_differences(relation, sql, columns) -%}
    {%- set key = config.get('unique_key') -%}
    {%- set others = columns | reject('in', key) | list -%}
    {%- set is_same = [] -%}
    {%- set differs = [] -%}
    {%- set now = [] -%}
    {%- for column in key -%}
        {%- do is_same.append('old.' ~ column ~ ' = new.' ~ column) -%}
    {%- endfor -%}
    {%- for column in others -%}
        {%- do differs.append('old.' ~ column ~ ' is distinct from new.' ~ column) -%}
        {%- do now.append(column ~ ' = new.' ~ column) -%}
    {%- endfor %}
    merge into {{ relation }} as old using ({{ sql }}) as new
        on {{ is_same | join(' and ') }}
    when matched and ({{ differs | join(' or ') }}) then update set {{ now | join(', ') }}
    when not matched then insert values (new.{{ columns | join(', new.') }})
    when not matched by source then delete
{%- endmacro %}


{% macro insert_rows(relation, sql) -%}
    {%- if config.get('contract').enforced %}
    {{ get_assert_columns_equivalent(sql) }}
    insert into {{ relation }} {{ get_select_subquery(sql) }}
    {%- else %}
    insert into {{ relation }} ({{ sql }})
    {%- endif %}
{%- endmacro %}

-- dbt's schemas: it fills them, and the owner says who reads there.

create or replace function finance.make_dbt_schemas(p_target text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_schema text;
begin
    for v_schema in
        select p_target || part
        from unnest(array['', '_staging', '_core', '_seeds', '_history']) as part
    loop
        execute format('create schema if not exists %I', v_schema);
        execute format('grant usage, create on schema %I to settle_dbt', v_schema);
        -- Not to finance: code in a view has the rights of whoever reads it, and theirs is to decide.
        execute format('grant usage on schema %I to settle_analyst, settle_orchestrator', v_schema);
    end loop;
end;
$$;
comment on function finance.make_dbt_schemas(text) is
'The schemas of one target of dbt''s, for the owner: dbt makes no schema, and lets nobody into one.';

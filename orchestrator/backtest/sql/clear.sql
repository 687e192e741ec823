-- All that the backtest before this one left, but for what is kept of policies.
do $$
declare
    v_statement text;
begin
    for v_statement in
        select
            format('drop %s if exists %I.%I cascade',
                case c.relkind when 'v' then 'view' else 'table' end, n.nspname, c.relname)
        from pg_catalog.pg_class as c
        inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
        where n.oid in (
            to_regnamespace('{marts}'), to_regnamespace('{core}'), to_regnamespace('{seeds}'),
            to_regnamespace('{staging}')
        )
        and c.relkind in ('r', 'v') and c.relname <> 'tried_weeks'
    loop
        execute v_statement;
    end loop;
end;
$$

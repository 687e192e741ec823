-- All that the backtest before this one left.
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
        where n.nspname in (
            'asof_backtest', 'asof_backtest_core', 'asof_backtest_seeds', 'asof_backtest_staging'
        )
        and c.relkind in ('r', 'v') and c.relname not in ('results', 'tried')
    loop
        execute v_statement;
    end loop;
end;
$$

-- Decisions and changes of state are what the client asked for, never a part of another query.

-- A view that somebody reads may call any function with the reader's rights. What the client sent
-- is what current_query() says, and the call stack names the function that it called first: it must
-- be one of ours, named in the text, in one statement that reads no relation of dbt's.
create or replace function finance.require_plain_call() returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_stack text;
    -- Without what stands in quotation marks, of which a note may have any; names in them stay.
    v_text constant text := regexp_replace(
        current_query(), '(?:''(?:[^'']|'''')*'')|("(?:[^"]|"")*")', '\1', 'g'
    );
    v_calls constant text := regexp_replace(v_text, '"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/', '', 'g');
    v_frames text[];
    v_outermost text;
begin
    perform finance.require_plain_messages();
    get diagnostics v_stack = pg_context;
    -- A name may have a line of its own that looks like one of ours: each line must be ours.
    v_frames := array(
        select f.line from regexp_split_to_table(v_stack, E'\n') with ordinality as f (line, place)
        where f.line ~ '^(PL/[A-Za-z]+|SQL) function '
        order by f.place
    );
    v_outermost := substring(
        v_frames[cardinality(v_frames)] from '^PL/pgSQL function (finance\.[a-z_]+)\('
    );
    if v_outermost is null
        or exists (
            select from unnest(v_frames) as f
            where f !~ '^PL/pgSQL function finance\.[a-z_]+\([a-z, \[\]]*\) line \d+ '
        )
        or position(v_outermost || '(' in v_calls) = 0
        or v_text !~* '^\s*(select|with)\s'
        or current_query() ~ '(^|[^a-zA-Z0-9_])[eE]''|[$]([a-zA-Z_][a-zA-Z_0-9]*)?[$]'
        or rtrim(v_text, E' \t\r\n;') like '%;%'
        or exists (
            select from pg_namespace as n
            where has_schema_privilege('settle_dbt', n.oid, 'create')
            and v_text ~ format('\m%s\M', regexp_replace(n.nspname, '([^a-z0-9_])', '\\\1', 'g'))
        ) then
        raise exception 'a decision or a payout was asked for from inside of another query: nothing was done; send it as a statement of its own, and have the views it reads looked at';
    end if;
end;
$$;
comment on function finance.require_plain_call() is
'Raises unless the function that called it is what the client''s own statement names, and that statement reads nothing of dbt''s.';

-- The call stack is text, in the language of lc_messages, which an administrator alone can set.
create or replace function finance.require_plain_messages() returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_stack text;
begin
    get diagnostics v_stack = pg_context;
    if v_stack !~ '^PL/pgSQL function finance\.require_plain_messages\(\) line \d+ at GET DIAGNOSTICS' then
        raise exception 'this server translates its messages (lc_messages is %), and refuses decisions and payouts while it does: its administrator runs: alter system set lc_messages = ''C''; select pg_reload_conf();',
            current_setting('lc_messages');
    end if;
end;
$$;
comment on function finance.require_plain_messages() is
'Raises where the call stack, by which a decision is told from code in a view, is not in English.';

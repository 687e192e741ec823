-- What would be paid now, and the digest that names it.

create or replace function finance.digest_of(
    p_window text, p_currency text, p_count bigint, p_total_minor numeric, p_lines text
) returns text
language sql immutable as $$
    select encode(sha256(convert_to(
        'v1|' || p_window || '|' || p_currency || '|' || p_count || '|'
        || finance.money(p_total_minor) || E'\n' || coalesce(p_lines, ''), 'UTF8'
    )), 'hex')
$$;

create or replace function finance.payable_of(p_window text, p_rows finance.standing_row[])
returns finance.payable_set
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_set finance.payable_set;
begin
    select
        c.payout_window, c.currency,
        finance.digest_of(
            c.payout_window, c.currency, count(h.seller_id), coalesce(sum(h.net_minor), 0),
            string_agg(
                h.seller_id || '|' || finance.money(h.net_minor) || '|' || h.rail || '|'
                || h.wallet_address || E'\n', '' order by h.seller_id collate "C"
            )
        ),
        count(h.seller_id), coalesce(sum(h.net_minor), 0)
    into v_set
    from finance.window_closes as c
    left join unnest(p_rows) as h on cardinality(h.hold_reasons) = 0
    where c.payout_window = p_window
    group by c.payout_window, c.currency;
    return v_set;
end;
$$;

create or replace function finance.payable(p_window text) returns finance.payable_set
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select finance.payable_of(p_window, finance.standing_rows(p_window))
$$;
comment on function finance.payable(text) is
'The digest, count and total of the lines of a stored window that nothing holds now; null where the window has no stored close.';

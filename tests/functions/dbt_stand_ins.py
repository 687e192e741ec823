"""Plain tables in the place of what dbt builds, so that no test of paying waits for a build.

`finance.hand_over` binds late to those names; here it finds the rows that a test wrote down.
"""

# Columns as the models have them, and owned by the same role.
STAND_INS = """
set role settle_dbt;
create table settlement_core.int_build (
    as_of timestamptz, close_lag interval, settlement_timezone text, currency text,
    stored_until timestamptz, scope_from timestamptz, currencies_digest text
);
create table settlement_core.int_settlement__computed (
    payout_window text, seller_id text collate "C", window_starts_at timestamptz,
    window_ends_at timestamptz, gross_minor bigint, fees_minor bigint, taxes_minor bigint,
    refunds_minor bigint, disputes_minor bigint, charges_minor bigint, adjustments_minor bigint,
    carried_forward_minor bigint, net_minor bigint, order_count integer, weeks_carried integer,
    rail text, rail_currency text, wallet_address text collate "C", region text,
    seller_status text, hold_reasons text[], hold_detail text
);
create table settlement_core.int_seller_health (
    payout_window text, seller_id text, trailing_30d_gross numeric, trailing_30d_fees numeric,
    trailing_30d_disputes numeric, health_score numeric, dispute_rate numeric,
    refund_rate numeric, spike_ratio numeric, review_reasons text[], needs_review boolean,
    first_ordered_at timestamptz
);
create table settlement_core.int_entries (
    entry_type text, source_id text, order_id text, seller_id text collate "C",
    amount_minor bigint, occurred_at timestamptz, known_at timestamptz, available_at timestamptz,
    window_starts_at timestamptz
);
create table settlement_core.int_facts__seen (
    source_table text, source_id text, order_id text, seller_id text collate "C",
    posted_at timestamptz, window_starts_at timestamptz
);
create table settlement_core.int_disputes (
    is_absorbed boolean, opened_minor bigint, opened_known_at timestamptz
);
create table settlement_core.int_close_contradictions (
    payout_window text, seller_id text, stored_minor bigint, computed_minor bigint
);
create table settlement_seeds.rails (
    rail text, currency_code text, pegged_to text, expected_network_fee numeric,
    expected_fee_rate numeric
);
create table settlement_seeds.reserve_policies (
    policy text, valid_from timestamptz, reserve_days integer, holdback_percent numeric,
    holdback_days integer
);
create table settlement_seeds.new_seller_policies (
    valid_from timestamptz, policy text, days integer
);
create table settlement_seeds.review_actions (
    review_reason text, valid_from timestamptz, action text, policy text, lift_after_weeks integer
);
create table settlement_core.int_flag_policies (
    payout_window text, seller_id text, reserve_policy text, review_reasons text[]
);
create table settlement_seeds.payout_holidays (day date, name text);
create table settlement_seeds.unpayable_wallets (
    wallet_address text, network text, kind text, what text, source text, confirmed_on date
);
create table settlement.window_checks (
    payout_window text, check_name text, is_blocking boolean, is_passed boolean, detail text
);
create table settlement.seller_reserve (
    seller_id text, pending_balance numeric, available_balance numeric, disputed_amount numeric
);
create table settlement.windows (
    payout_window text, window_starts_at timestamptz, window_ends_at timestamptz,
    payout_due_at timestamptz
);
reset role;
"""

# What is carried in is what the last close left, less its lines, plus what came back since; in the
# window of the go-live, the opening balance.
COMPUTED = """
with moves as (
    select r.net_minor as minor from finance.window_close_rows as r
    inner join finance.window_closes as c on r.payout_window = c.payout_window
    where r.seller_id = %(seller)s and c.window_ends_at = %(starts)s
    union all
    select -l.amount_minor from finance.payout_lines as l
    inner join finance.window_closes as c on l.payout_window = c.payout_window
    where l.seller_id = %(seller)s and c.window_ends_at = %(starts)s
    union all
    select l.amount_minor from finance.payout_lines as l
    where l.seller_id = %(seller)s and l.returned_at >= %(starts)s and l.returned_at < %(ends)s
    union all
    select -l.amount_minor from finance.payout_lines as l
    where l.seller_id = %(seller)s and l.retaken_at >= %(starts)s and l.retaken_at < %(ends)s
    union all
    select o.amount_minor from finance.opening_balances as o
    inner join finance.go_lives as g on o.go_live_id = g.go_live_id
    where o.seller_id = %(seller)s and g.approved_at is not null and g.starts_at = %(starts)s
),
carried as (
    select coalesce(sum(minor), 0) as minor, %(net)s - coalesce(sum(minor), 0) as new_minor
    from moves
)
insert into settlement_core.int_settlement__computed
select
    %(window)s, %(seller)s, %(starts)s, %(ends)s, greatest(new_minor, 0),
    greatest(-new_minor, 0), 0, 0, 0, 0, 0, minor, %(net)s, 1, 0, %(rail)s, %(currency)s,
    %(wallet)s, 'EU', 'active', %(holds)s, null
from carried
"""
ENTRY = """
insert into settlement_core.int_entries
select
    'order', payout_window || seller_id, payout_window || seller_id, seller_id,
    gross_minor - fees_minor, %(starts)s, %(starts)s, %(starts)s, %(starts)s
from settlement_core.int_settlement__computed
where seller_id = %(seller)s and gross_minor <> fees_minor
union all
select
    'opening_balance', o.go_live_id::text, null, o.seller_id, o.amount_minor, g.starts_at,
    g.starts_at, g.starts_at, g.starts_at
from finance.opening_balances as o
inner join finance.go_lives as g on o.go_live_id = g.go_live_id
where o.seller_id = %(seller)s and g.approved_at is not null and g.starts_at = %(starts)s
"""
SELLER = """
insert into marketplace.sellers
values (%(seller)s, %(seller)s, 'EU', false, %(wallet)s, 'active', true, %(starts)s, %(starts)s)
on conflict do nothing
"""
WALLET = """
insert into finance.wallet_checks (wallet_address, address_format, is_valid, detail)
values (%(wallet)s, %(rail)s, true, '') on conflict do nothing
"""
RAIL = """
insert into settlement_seeds.rails
select %(rail)s, %(currency)s, 'USD', 0, 0
where not exists (select from settlement_seeds.rails where rail = %(rail)s)
"""
CHECK = """
insert into settlement.window_checks values (%s, 'conservation', true, true, 'all is well')
"""
# What no role of ours may do: empty the tables of facts, as if nothing had happened.
CLEAR = """
reset role;
set session_replication_role = replica;
do $$
declare
    relation record;
begin
    for relation in
        select c.oid::regclass as name, c.relkind from pg_class as c
        where c.relnamespace::regnamespace::text in (
            'finance', 'halfin', 'marketplace', 'handover', 'settlement', 'settlement_core',
            'settlement_seeds'
        )
        and c.relkind in ('r', 'S')
        and c.relname !~ 'yoyo|installation|^policies(_|$)|applied_functions|applied_definitions'
        and c.relname not in ('hold_reasons', 'state_transitions', 'erasable_columns')
    loop
        if relation.relkind = 'r' then
            execute format('delete from %s', relation.name);
        else
            perform setval(relation.name, 1, false);
        end if;
    end loop;
end;
$$;
delete from finance.policies where proposed_by <> 'the installation';
update finance.installation set settlement_timezone = null, currency = null;
reset session_replication_role;
"""

-- What a stored close adds up to, added up once: pages and reviews look at a year of them.

create table finance.window_close_sums (
    payout_window text not null references finance.window_closes,
    -- Null for rows without one.
    rail text,
    is_held boolean not null,
    row_count bigint not null,
    order_count bigint not null,
    net_minor numeric not null,
    carried_forward_minor numeric not null,
    -- Without debts: they are held too, and are no money that waits.
    waiting_minor numeric not null,
    unique nulls not distinct (payout_window, rail, is_held)
);
comment on table finance.window_close_sums is
'The rows of each stored close, summed by rail and by whether anything held them at the close. Money in minor units.';

insert into finance.window_close_sums
select
    r.payout_window,
    r.rail,
    cardinality(r.hold_reasons) > 0 as is_held,
    count(*) as row_count,
    sum(r.order_count) as order_count,
    sum(r.net_minor) as net_minor,
    sum(r.carried_forward_minor) as carried_forward_minor,
    sum(greatest(r.net_minor, 0)) as waiting_minor
from finance.window_close_rows as r
group by r.payout_window, r.rail, cardinality(r.hold_reasons) > 0;

create trigger append_only before update or delete or truncate on finance.window_close_sums
for each statement execute function finance.refuse_change();

-- What a function is handed that asks more than one thing of the same rows.
create type finance.standing_row as (
    seller_id text, net_minor bigint, rail text, rail_currency text, wallet_address text,
    hold_reasons text []
);

-- What the rail charged lately is read from the lines of the last weeks, not of all years.
create index payout_lines_completed on finance.payout_lines (outcome_at)
include (rail_currency, network_fee, fee_amount) where state = 'completed';
-- And those of one window whatever became of them.
create index payout_lines_window on finance.payout_lines (payout_window);

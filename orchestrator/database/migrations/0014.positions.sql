-- What a window comes to now is read once, by finance.window_position, and handed on as a whole.
drop function if exists
finance.payable_of(text, finance.standing_row[]), finance.covering_of(text, finance.standing_row[]),
finance.obstacles_of(text, finance.standing_row[]), finance.funding_of(text, finance.standing_row[]),
finance.standing_rows(text), finance.holds_of(text, text),
finance.digest_of(text, text, bigint, numeric, text);

alter type finance.standing_row rename to seller_position;

create type finance.funding_need as (
    rail text, rail_currency text, line_count bigint, needed numeric, expected_fees numeric,
    available numeric, missing numeric, read_at timestamptz
);

create type finance.window_position as (
    payout_window text,
    currency text,
    -- Its sellers, with what holds them now; then what those come to whom nothing holds.
    sellers finance.seller_position [],
    digest text,
    line_count bigint,
    total_minor numeric,
    -- Approvals that cover all of it, what else is in the way, and what the rail must have.
    covering bigint [],
    obstacles text [],
    funding finance.funding_need []
);

-- One row per measure: the policy tried, the one it is held against, and how much more the first
-- is. Flags are judged by mature windows alone.
with weeks as (
    select
        t.policy,
        r.*,
        r.window_ends_at = max(r.window_ends_at) over () as is_last
    from asof_backtest.tried_weeks as t
    cross join lateral jsonb_populate_record(null::asof_backtest.backtest_weeks, t.measures) as r
    where
        r.payout_window >= coalesce(%(first)s, r.payout_window)
        and r.payout_window <= coalesce(%(last)s, r.payout_window)
),

totals as (
    select
        w.policy,
        sum(w.disputes_opened) as disputes_opened,
        sum(w.recovered) as recovered,
        sum(w.avoided) as avoided,
        sum(w.charged_later) as charged_later,
        sum(w.absorbed) as absorbed,
        sum(w.negative_balances) filter (where w.is_last) as negative_balances,
        sum(w.written_off) as written_off,
        sum(w.absorbed) + sum(w.negative_balances) filter (where w.is_last) as losses,
        sum(w.held_money_days) as held_money_days,
        sum(w.reserve_money_days) as reserve_money_days,
        sum(w.held_money_days) + sum(w.reserve_money_days) as kept_money_days,
        sum(w.paid) as paid,
        sum(w.payouts_made) as payouts_made,
        sum(w.payouts_delayed) as payouts_delayed,
        sum(w.sellers_flagged) as sellers_flagged,
        sum(w.rows_flagged) as rows_flagged,
        round(
            sum(w.rows_found) filter (where w.is_mature)
            / nullif(sum(w.rows_flagged) filter (where w.is_mature), 0), 4
        ) as flag_precision,
        round(
            sum(w.rows_found) filter (where w.is_mature)
            / nullif(sum(w.rows_disputed) filter (where w.is_mature), 0), 4
        ) as flag_recall,
        count(*) filter (where w.is_mature) as mature_windows,
        count(*) as windows
    from weeks as w
    group by w.policy
),

measured as (
    select
        t.policy,
        m.place,
        m.measure,
        m.meaning,
        m.value
    from totals as t
    cross join lateral (
        values
        (1, 'disputes_opened', 'Disputes', t.disputes_opened),
        (2, 'recovered', '  recovered from the reserve', t.recovered),
        (3, 'avoided', '  avoided: a hold or holdback still had the money', t.avoided),
        (4, 'charged_later', '  charged to later sales', t.charged_later),
        (5, 'absorbed', '  absorbed', t.absorbed),
        (6, 'negative_balances', 'Negative balances at the end', t.negative_balances),
        (7, 'written_off', '  written off: of closed sellers, and old debts', t.written_off),
        (8, 'losses', 'Losses: absorbed, and negative at the end', t.losses),
        (9, 'held_money_days', 'Money held beyond its release, times days', t.held_money_days),
        (10, 'reserve_money_days', 'Money in reserve, times days', t.reserve_money_days),
        (11, 'kept_money_days', 'Money kept from sellers: both', t.kept_money_days),
        (12, 'paid', 'Paid', t.paid),
        (13, 'payouts_made', 'Payouts made', t.payouts_made),
        (14, 'payouts_delayed', 'Payouts delayed', t.payouts_delayed),
        (15, 'sellers_flagged', 'Sellers flagged, week by week', t.sellers_flagged),
        (16, 'rows_flagged', 'Rows flagged', t.rows_flagged),
        (17, 'flag_precision', 'Precision: flagged rows with disputes later', t.flag_precision),
        (18, 'flag_recall', 'Recall: rows with disputes later that were flagged', t.flag_recall),
        (19, 'mature_windows', 'Windows by which flags are judged', t.mature_windows),
        (20, 'windows', 'Windows', t.windows)
    ) as m (place, measure, meaning, value)
)

select
    tried.measure,
    tried.meaning,
    tried.value as tried,
    against.value as against,
    tried.value - against.value as difference
from measured as tried
left join measured as against
    on tried.measure = against.measure and against.policy = %(against)s
where tried.policy = %(tried)s
order by tried.place

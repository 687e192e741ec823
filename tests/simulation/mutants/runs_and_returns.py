"""Runs, releases, what comes back."""

from tests.simulation.mutants.mutant import CLOSE, CORE, FUNCTIONS, mutant

MUTANTS = (
    mutant(
        "a second line for a seller in a window",
        "one line",
        (
            f"{FUNCTIONS}/payout/freeze.sql",
            "from finance.rows_without_line(p_batch.payout_window) as h",
            "from finance.current_holds(p_batch.payout_window) as h",
        ),
        (
            f"{FUNCTIONS}/payout/check_batch.sql",
            ") or p_batch.digest is distinct from (",
            ") and p_batch.digest is distinct from (",
        ),
        (
            f"{FUNCTIONS}/payout/check_batch.sql",
            "if not exists (\n        select from finance.batch_approvals",
            "if false and not exists (\n        select from finance.batch_approvals",
        ),
        (
            f"{FUNCTIONS}/payout/check_batch.sql",
            "if v_wrong is not null then\n        raise exception 'the line of seller",
            "if false then\n        raise exception 'the line of seller",
        ),
        without=(
            "drop index finance.payout_lines_one_standing",
            "drop index finance.payout_lines_one_key",
            "drop index finance.line_windows_one_standing",
        ),
        seed=2,
    ),
    mutant(
        "a run is paid under the first run's approval",
        "approved",
        (
            f"{FUNCTIONS}/approval/digest.sql",
            "where a.payout_window = p_window and a.run = p_run and a.revoked_at is null",
            "where a.payout_window = p_window and a.revoked_at is null",
        ),
        without=(
            "alter table finance.batch_approvals drop constraint"
            " batch_approvals_approval_id_payout_window_run_fkey",
        ),
        seed=22,
    ),
    mutant(
        "an approval is compared in the wrong direction",
        "approved",
        (
            f"{FUNCTIONS}/approval/digest.sql",
            "        select l.seller_id, l.net_minor, l.rail, l.rail_currency, l.wallet_address\n"
            "        from unnest(p_lines) as l\n"
            "        except\n"
            "        select k.seller_id, k.net_minor, k.rail, k.rail_currency, k.wallet_address\n"
            "        from finance.approval_lines as k where k.approval_id = a.approval_id\n",
            "        select k.seller_id, k.net_minor, k.rail, k.rail_currency, k.wallet_address\n"
            "        from finance.approval_lines as k where k.approval_id = a.approval_id\n"
            "        except\n"
            "        select l.seller_id, l.net_minor, l.rail, l.rail_currency, l.wallet_address\n"
            "        from unnest(p_lines) as l\n",
        ),
        seed=1,
    ),
    mutant(
        "an outcome_conflict holds nobody",
        "complete",
        (
            f"{FUNCTIONS}/approval/current_holds.sql",
            "case when f.seller_id is not null then 'outcome_conflict' end",
            "null",
        ),
        seed=1,
    ),
    mutant(
        "a return that only the ledger shows holds nobody",
        "complete",
        (
            f"{FUNCTIONS}/common/breaks_and_alerts.sql",
            "b.kind in ('returned_by_ledger', 'contrary_outcome') and",
            "b.kind = 'contrary_outcome' and",
        ),
        seed=3,
    ),
    mutant(
        "a return that only the ledger shows is overlooked",
        "reconciled",
        (
            f"{FUNCTIONS}/reconciliation/compare_ledger.sql",
            "where g.back > 0 and g.paid - g.back < finance.decimal_amount(l.amount_minor)",
            "where false",
        ),
        seed=1,
    ),
    mutant(
        "a return is believed without asking",
        "books",
        (
            f"{FUNCTIONS}/payout/record_outcome.sql",
            "if p_source = 'confirmation' and p_line.returned_at is null then",
            "if p_line.returned_at is null then",
        ),
        seed=2,
    ),
    mutant(
        "a returned line is credited twice",
        f"{CLOSE}, contradictions",
        (
            f"{CORE}/settlement/int_line_moves.sql",
            "'came_back' as move_type,\n        amount_minor,",
            "'came_back' as move_type,\n        case line_state when 'returned' then 2 else 1 end"
            " * amount_minor as amount_minor,",
        ),
        seed=1,
    ),
    mutant(
        "a seller is not told that a payout was returned",
        "events",
        (f"{FUNCTIONS}/outbox/tell_line.sql", "when 'returned' then 'payout.returned'\n", ""),
        seed=1,
    ),
    mutant(
        "a state that nobody knows counts as failed",
        "books",
        (
            f"{FUNCTIONS}/reconciliation/parse_response.sql",
            "            then 'failed'\n        else 'unknown'",
            "            then 'failed'\n        else 'failed'",
        ),
        seed=1,
    ),
    mutant(
        "nobody is told of a state that nobody knows",
        "reconciled",
        (
            f"{FUNCTIONS}/payout/record_payout.sql",
            "    if v_class = 'unknown' then\n        perform",
            "    if false then\n        perform",
        ),
        seed=4,
    ),
)

"""People's words."""

from tests.simulation.mutants.mutant import CORE, FUNCTIONS, mutant

MUTANTS = (
    mutant(
        "a resolution by one person twice",
        "resolved",
        (
            f"{FUNCTIONS}/payout/resolve_line.sql",
            "select distinct on (r.resolved_by) r.resolved_by, r.outcome",
            "select r.resolved_by, r.outcome",
        ),
        (
            f"{FUNCTIONS}/common/two_people.sql",
            "select distinct p.person",
            "select p.person",
        ),
        seed=4,
    ),
    mutant(
        "one person alone resolves a line",
        "resolved",
        (f"{FUNCTIONS}/payout/resolve_line.sql", "if v_people >= 2 then", "if v_people >= 1 then"),
        seed=4,
    ),
    mutant(
        "a line that has its outcome is decided again",
        "resolved",
        (
            f"{FUNCTIONS}/payout/resolve_line.sql",
            "if not v_is_open and not exists (",
            "if false and not exists (",
        ),
        seed=2,
    ),
    mutant(
        "of a bad file the good rows are taken",
        "all or nothing",
        (
            f"{FUNCTIONS}/approval/many_holds.sql",
            "from finance.release_faults(p_window, p_rows) as s\n",
            "from finance.release_faults(p_window, p_rows) as s where false\n",
        ),
        seed=4,
    ),
    mutant(
        "a release that lasts ends with its window",
        "complete",
        (
            f"{FUNCTIONS}/approval/current_holds.sql",
            "and (x.payout_window = p_window or (k.is_lasting and x.sighting_id is not null))",
            "and x.payout_window = p_window",
        ),
        seed=3,
    ),
    mutant(
        "a wallet is blocked in one spelling only",
        "holds",
        (
            f"{CORE}/holds/int_holds.sql",
            "finance.wallet_account(attributes.wallet_address) = blocked.account",
            "attributes.wallet_address = blocked.account",
        ),
        seed=1,
    ),
    mutant(
        "whoever blocked a wallet lifts the block",
        "blocks",
        (
            f"{FUNCTIONS}/approval/wallet_blocks.sql",
            "if v_block.blocked_by = v_person then",
            "if false then",
        ),
        without=("alter table finance.wallet_blocks drop constraint wallet_blocks_check1",),
        seed=4,
    ),
)

"""What the database's short names mean, for sellers, and for finance at the head of a table."""

# States of a payout.
STATES = {
    "submitted": "On its way",
    "completed": "Paid",
    "failed": "Failed, being checked",
    "returned": "Sent back, credited back to your balance",
}
FAILURES = {
    "invalid_destination": "The network does not accept your wallet address. Please check it.",
    "network_error": "The network dropped the transaction. You do not need to do anything.",
}
FAILED = "The network did not accept the payout. If it happens again, check your wallet address."
RETURNED = "The receiver of your wallet address sent the payout back. Please check the address."
FAILED_IS_BACK = "The amount was credited back to your balance and is part of your next payout."
FAILED_IS_CHECKED = "Once the network confirms this, the amount is credited back to your balance."
ENTRIES = {
    "order": "Order",
    "holdback": "Order: the part held back",
    "fee": "Fee",
    "tax": "Tax",
    "refund": "Refund",
    "refund_reversed": "Refund taken back",
    "dispute_opened": "Dispute opened",
    "dispute_won": "Dispute won",
    "dispute_lost": "Dispute lost",
    "dispute_withdrawn": "Dispute withdrawn",
    "charge": "Charge",
    "adjustment": "Adjustment",
    "opening_balance": "Carried in from the system that paid you before",
    "completed_after_all": "Correction: earlier payout completed late",
}
# Why the orders of a seller are under a reserve policy of their own.
DECIDED_BY = {
    "people": "We decided so for your account.",
    "review": "Our review of your account found something unusual; once it finds nothing for a"
    " while, this ends by itself.",
    "new_seller": "You have not been with us for long.",
}
OUTCOMES = {"won": "Won", "lost": "Lost", "withdrawn": "Withdrawn"}
EXPLORERS = {
    "TRC-20": "https://tronscan.org/#/transaction/",
    "ERC-20": "https://etherscan.io/tx/",
    "SPL": "https://solscan.io/tx/",
}
# Of the console: what differs from the name of the column.
HEADS = {
    "pct": "change, %",
    "pct_off_mean": "off the mean, %",
    "mean_4_weeks": "mean of 4 weeks",
    "check_name": "check",
    "break_id": "no.",
    "alert_id": "no.",
    "policy_id": "no.",
    "block_id": "no.",
    "adjustment_id": "no.",
    "assignment_id": "no.",
    "go_live_id": "no.",
    "file_id": "file",
    "seller_id": "seller",
    "payout_window": "window",
    "spike_ratio": "last 7 days to the 23 before",
    "gross_30d": "sold, 30 days",
    "disputes_30d": "disputed, 30 days",
}
# Reasons for a hold, for finance; sellers read the messages of finance.hold_reasons.
REASONS = {
    "nothing_due": "nothing due",
    "negative_balance": "negative balance",
    "seller_suspended": "suspended seller",
    "seller_closed": "closed seller",
    "not_verified": "identity not verified",
    "no_rail": "no rail for the region",
    "wallet_missing": "missing wallet",
    "wallet_unchecked": "unchecked wallet",
    "wallet_invalid": "invalid wallet",
    "wallet_not_payable": "wallet of a contract or program",
    "wallet_blocked": "blocked wallet",
    "wallet_unchecksummed": "wallet in one case",
    "wallet_shared": "another seller's wallet",
    "wallet_changed": "changed wallet",
    "outcome_conflict": "contradicted outcome",
    "repeated_failure": "three failures in a row",
    "manual_review": "manual review",
    "above_maximum": "amount above the maximum",
    "seller_paused": "pause of the seller's",
    "not_scheduled": "monthly payout",
    "below_seller_minimum": "amount below the seller's minimum",
    "below_minimum": "amount below the minimum",
}
LIMITS = {
    "dual_approval_above": "two people approve above",
    "maximum_line": "largest line",
    "minimum_line": "smallest line",
}
CODES = REASONS | LIMITS
# Columns whose values are codes, in the tables of the console.
CODED = {"hold_reason", "held_for", "reason", "reasons", "name", "kind", "status", "check_name"}

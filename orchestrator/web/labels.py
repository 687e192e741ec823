"""What the database's short names mean, for sellers."""

# States of a payout.
STATES = {
    "submitted": "On its way",
    "completed": "Paid",
    "failed": "Failed, being checked",
}
FAILURES = {
    "invalid_destination": "The network does not accept your wallet address. Please check it.",
    "network_error": "The network dropped the transaction. You do not need to do anything.",
}
FAILED = "The network did not accept the payout. If it happens again, check your wallet address."
FAILED_IS_BACK = "The amount was credited back to your balance and is part of your next payout."
FAILED_IS_CHECKED = "Once the network confirms this, the amount is credited back to your balance."
ENTRIES = {
    "order": "Order",
    "fee": "Fee",
    "refund": "Refund",
    "dispute_opened": "Dispute opened",
    "dispute_won": "Dispute won",
    "adjustment": "Adjustment",
    "completed_after_all": "Correction: earlier payout completed late",
}
EXPLORERS = {
    "TRC-20": "https://tronscan.org/#/transaction/",
    "ERC-20": "https://etherscan.io/tx/",
    "SPL": "https://solscan.io/tx/",
}

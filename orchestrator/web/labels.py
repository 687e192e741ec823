"""What the database's short names mean, for sellers."""

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
OUTCOMES = {"won": "Won", "lost": "Lost", "withdrawn": "Withdrawn"}
EXPLORERS = {
    "TRC-20": "https://tronscan.org/#/transaction/",
    "ERC-20": "https://etherscan.io/tx/",
    "SPL": "https://solscan.io/tx/",
}
